//! Questions on the terminal: one for each doubtful decision, with the proposal as its default.

use std::io::{BufRead, IsTerminal};

use rightsize_reports::visible;
use rightsize_suites::Problem;
use rightsize_suites::propose::{Decision, Subject, Wishes};

use crate::printer::Printer;

/// Whether somebody is there to be asked.
pub fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// What is asked about a decision; nothing where no option could change it.
pub fn of(subject: Subject) -> Option<&'static str> {
    match subject {
        Subject::Kind => Some("Which kind of task is it?"),
        Subject::Expected => Some("Which column holds the right answer?"),
        Subject::Input => Some("Which columns does a model read (with commas between them)?"),
        Subject::Id => Some("Which column names a row?"),
        Subject::Values | Subject::Tags | Subject::Cluster | Subject::Splits | Subject::LeftOut => {
            None
        }
    }
}

/// Asks for the column with the right answer, after saying why there is no proposal; `None` without
/// an answer.
pub fn expected(why: &Problem, printer: Printer) -> Option<String> {
    let columns = why.remedy.as_deref().unwrap_or_default();
    printer.warn(&format!("{}\n{}", visible::line(&why.message), visible::line(columns)));
    printer.warn(of(Subject::Expected).unwrap_or_default());
    answer()
}

fn answer() -> Option<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    let answer = line.trim();
    (!answer.is_empty()).then(|| answer.to_owned())
}

/// Asks, and gives the wishes with the answer; `None` where the proposal stands.
///
/// # Errors
/// The answer is none, and why.
pub fn ask(
    decision: &Decision,
    wishes: &Wishes,
    printer: Printer,
) -> Result<Option<Wishes>, String> {
    let Some(question) = of(decision.subject) else { return Ok(None) };
    printer.warn(&format!(
        "{question} [{}]  ({})",
        visible::line(&decision.value),
        visible::line(&decision.why)
    ));
    // Without an answer, at the end of the input, the proposal stands.
    let Some(answer) = answer() else { return Ok(None) };
    let mut wishes = wishes.clone();
    match decision.subject {
        Subject::Kind => wishes.kind = Some(answer.parse()?),
        Subject::Expected => wishes.expected = Some(answer),
        Subject::Id => wishes.id = Some(answer),
        Subject::Input => {
            wishes.input = answer.split(',').map(|column| column.trim().to_owned()).collect();
        }
        Subject::Values | Subject::Tags | Subject::Cluster | Subject::Splits | Subject::LeftOut => {
        }
    }
    Ok(Some(wishes))
}
