//! From a user's own rows to a suite and a bake-off.

use std::path::{Component, Path, PathBuf};

use rightsize_providers::Fields;
use rightsize_reports::{numbers, sample_size, visible};
use rightsize_suites::baselines::Method;
use rightsize_suites::propose::{self, Facts, Kind, Proposal, Wishes, word};
use rightsize_suites::{Problems, Suite};
use serde_json::Value;
use tabled::builder::Builder;
use tabled::settings::Style;

use super::{create, may_write, question, say_how_to_run, write};
use crate::arguments;
use crate::bakeoff::BakeoffFile;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// Longest input, in characters, that the bundled models have room for beside the prompt.
const LONGEST_FOR_BUNDLED: usize = 600;
/// Most labels that stand in such a prompt.
const MOST_LABELS_FOR_BUNDLED: usize = 12;

/// `rightsize init FILE`.
pub fn init(args: &arguments::Init, printer: Printer) -> Result<Exit, Failure> {
    let source = args.source.as_path();
    let file_name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let rows = propose::read(source).map_err(Problems::from)?;
    if rows.is_empty() {
        let message = format!("{}: there is no row in it", source.display());
        return Err(Failure::wrong(message, "a suite needs samples: a hundred are a start"));
    }
    let pair = Pair::of(source)?;
    let (test, train) = match &pair {
        Pair::Alone => (rows, None),
        Pair::Train(path, train) => {
            printer.note(&format!("{}: rows to learn from", path.display()));
            (rows, Some(train))
        }
    };
    let out = match &args.out {
        Some(out) => out.clone(),
        None => PathBuf::from(suite_name(source)),
    };
    let names = ["suite.yaml", "bakeoff.yaml", "test.jsonl", "train.jsonl"];
    let paths: Vec<PathBuf> = names.iter().map(|name| out.join(name)).collect();
    may_write(paths.iter().map(PathBuf::as_path), args.force)?;
    let wishes = Wishes {
        kind: args.kind,
        input: args.input.clone(),
        expected: args.expected.clone(),
        id: args.id.clone(),
        test_share: args.test_share,
    };
    let train_rows = train.map(Vec::as_slice);
    let shown = source.display().to_string();
    let asking = !args.yes && question::somebody_is_there();
    let proposal = decide(&shown, &test, train_rows, wishes, asking, printer)?;
    if !args.yes && !asking && proposal.decisions.iter().any(|d| d.doubtful) {
        printer.note("Nobody can be asked here: the proposals are taken, look at those with `?`.");
    }
    let (margin, why) = sample_size::margin(proposal.splits.test);
    printer.result(&table(&proposal, margin));
    let train_path = match &pair {
        Pair::Train(path, _) => Some(path.as_path()),
        Pair::Alone => None,
    };
    create(&out)?;
    let (test_name, train_name) = write_rows(&proposal, &out, source, train_path, printer)?;
    let name = suite_name(source);
    let facts = Facts {
        name: &name,
        origin: &file_name,
        test: &test_name,
        train: train_name.as_deref(),
        margin: (margin, &why),
    };
    let suite_path = out.join("suite.yaml");
    write(&suite_path, &proposal.suite_yaml(&facts), printer)?;
    let suite = Suite::load(&suite_path.display().to_string(), Path::new(""))?;
    let bakeoff_path = out.join("bakeoff.yaml");
    write(&bakeoff_path, &bakeoff_yaml(&name, &proposal, &suite), printer)?;
    BakeoffFile::load(&bakeoff_path)?;
    for warning in &suite.warnings {
        printer.note(&format!("warning: {warning}"));
    }
    printer.note("Read suite.yaml through, above all the prompt and the margin.");
    say_how_to_run(&out, printer);
    Ok(Exit::Done)
}

/// Proposes, asks where somebody can be asked, and proposes again.
fn decide(
    name: &str,
    rows: &[Fields],
    train: Option<&[Fields]>,
    mut wishes: Wishes,
    asking: bool,
    printer: Printer,
) -> Result<Proposal, Failure> {
    let mut settled = Vec::new();
    let mut proposal = loop {
        match propose::propose(name, rows, train, &wishes) {
            Ok(proposal) => break proposal,
            // The columns do not say what is right: somebody may know.
            Err(problem) if asking && wishes.expected.is_none() => {
                wishes.expected = question::expected(&problem, printer);
                if wishes.expected.is_none() {
                    return Err(Problems::from(problem).into());
                }
            }
            Err(problem) => return Err(Problems::from(problem).into()),
        }
    };
    loop {
        let open = |d: &&propose::Decision| {
            asking
                && d.doubtful
                && !settled.contains(&d.subject)
                && question::of(d.subject).is_some()
        };
        let Some(decision) = proposal.decisions.iter().find(open) else { break };
        let subject = decision.subject;
        match question::ask(decision, &wishes, printer) {
            Ok(None) => settled.push(subject),
            Err(why) => printer.warn(&why),
            Ok(Some(wished)) => match propose::propose(name, rows, train, &wished) {
                Ok(again) => {
                    (proposal, wishes) = (again, wished);
                    settled.push(subject);
                }
                Err(problem) => printer.warn(&problem.to_string()),
            },
        }
    }
    Ok(proposal)
}

/// What lies beside a file.
enum Pair {
    /// Nothing that goes with it.
    Alone,
    /// The file is a test split, and this is its train split.
    Train(PathBuf, Vec<Fields>),
}

impl Pair {
    /// Looks for `train.csv` beside `test.csv`, `a-train.csv` beside `a-test.csv`, and so on.
    fn of(source: &Path) -> Result<Pair, Failure> {
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        let beside = ["test", "eval", "validation", "dev"].iter().find_map(|split| {
            let path = source.with_file_name(name.replacen(split, "train", 1));
            (name.contains(split) && path.is_file()).then_some(path)
        });
        match beside {
            None => Ok(Pair::Alone),
            Some(path) => {
                let rows = propose::read(&path).map_err(Problems::from)?;
                Ok(Pair::Train(path, rows))
            }
        }
    }
}

/// The name of a suite, from that of its file: without its endings, in letters that a folder can
/// have. A file that is called `test` or the like, or by promptfoo's usual name, has its name from its
/// folder.
pub fn suite_name(file: &Path) -> String {
    const LONGEST: usize = 64;
    const SPLITS: [&str; 6] = ["test", "train", "dev", "eval", "validation", "promptfooconfig"];
    let fine = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' };
    let named = |name: &std::ffi::OsStr| -> Option<String> {
        let name = name.to_string_lossy();
        let stem = name.split('.').find(|part| !part.is_empty())?;
        let name: String = stem.chars().map(fine).take(LONGEST).collect();
        let name = name.trim_matches('-');
        (!name.is_empty() && !SPLITS.contains(&name)).then(|| name.to_owned())
    };
    let folder = || std::path::absolute(file).ok()?.parent()?.file_name().and_then(named);
    file.file_name().and_then(named).or_else(folder).unwrap_or_else(|| "suite".to_owned())
}

/// What was decided and why, a row a decision.
fn table(proposal: &Proposal, margin: f64) -> String {
    const WIDEST: usize = 60;
    let cut = |text: &str| -> String {
        let text = visible::line(text);
        match text.chars().count() > WIDEST {
            true => text.chars().take(WIDEST).chain(['…']).collect(),
            false => text.into_owned(),
        }
    };
    let mut table = Builder::default();
    for decision in &proposal.decisions {
        let mark = if decision.doubtful { "?" } else { "" };
        table.push_record([
            decision.subject.word().to_owned(),
            cut(&decision.value),
            mark.to_owned(),
            visible::line(&decision.why).into_owned(),
        ]);
    }
    let samples = numbers::count(proposal.splits.test as u64);
    table.push_record([
        "margin".to_owned(),
        format!("{margin}"),
        String::new(),
        format!("the smallest round loss that {samples} samples can tell from none"),
    ]);
    table.build().with(Style::blank()).to_string()
}

/// Writes the rows where the user's own files do not serve; gives the names of the test and the train
/// file as the suite writes them.
fn write_rows(
    proposal: &Proposal,
    out: &Path,
    source: &Path,
    train: Option<&Path>,
    printer: Printer,
) -> Result<(String, Option<String>), Failure> {
    let has_train = proposal.has_train();
    let Some(written) = &proposal.splits.written else {
        let train = train.filter(|_| has_train).map(|path| relative(out, path));
        return Ok((relative(out, source), train));
    };
    write(&out.join("test.jsonl"), &json_lines(&written.test), printer)?;
    if has_train {
        write(&out.join("train.jsonl"), &json_lines(&written.train), printer)?;
    }
    Ok(("test.jsonl".to_owned(), has_train.then(|| "train.jsonl".to_owned())))
}

/// Rows as a file of JSON lines.
pub fn json_lines(rows: &[Fields]) -> String {
    rows.iter().map(|row| Value::Object(row.clone()).to_string() + "\n").collect()
}

/// A file's path as it is written in a file of the folder `from`; absolute where there is no way.
fn relative(from: &Path, file: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // The folder may be a link, and `..` leaves the folder that the link names.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| absolute(path));
    let (from, file) = (real(from), real(file));
    let plain = |path: &Path| path.components().all(|part| part != Component::ParentDir);
    if !plain(&from) || !plain(&file) {
        return file.display().to_string();
    }
    let (there, here): (Vec<_>, Vec<_>) =
        (file.components().collect(), from.components().collect());
    let shared = there.iter().zip(&here).take_while(|(a, b)| a == b).count();
    let mut path = PathBuf::new();
    (shared..here.len()).for_each(|_| path.push(".."));
    there.iter().skip(shared).for_each(|part| path.push(part));
    path.display().to_string()
}

/// The text of the bake-off: what can answer the suite on any machine, and examples of the rest.
fn bakeoff_yaml(name: &str, proposal: &Proposal, suite: &Suite) -> String {
    let learned = [Method::Majority, Method::Nearest, Method::Linear];
    let mut methods: Vec<&str> =
        learned.into_iter().filter(|m| m.check(suite).is_ok()).map(Method::word).collect();
    let none = methods.is_empty();
    if none {
        methods.push(Method::Oracle.word());
    }
    let about = match none {
        true => {
            "# No classical method can answer this suite. `oracle` gives the expected answers: it proves\n\
             # that they are scored as right."
        }
        false => "# Classical methods, free and fast: is a language model needed at all?",
    };
    let known = matches!(proposal.kind, Kind::Classification | Kind::Extraction | Kind::Faq);
    let bundled = known
        && proposal.longest_input <= LONGEST_FOR_BUNDLED
        && proposal.values().len() <= MOST_LABELS_FOR_BUNDLED;
    let models = match bundled {
        true => {
            "models:\n  # Comes with rightsize, and was trained on its own suites: it shows that everything works, \
             and\n  # not how well a language model does your task.\n  - specialist-5m\n"
        }
        false => "# Put models below, in the place of `[]`.\nmodels: []\n",
    };
    format!(
        "# A bake-off: the same samples for every model, one report.\n\
         #   rightsize check bakeoff.yaml            proves it without calling a model\n\
         #   rightsize run bakeoff.yaml --limit 20   a quick look\n\
         #   rightsize run bakeoff.yaml              the report is in the run folder\n\
         name: {name}\n\
         suites: [suite.yaml]\n\n\
         {models}\n  \
         # A GGUF file of yours:\n  \
         # - {{id: small, provider: llama-cpp, model: /models/qwen2.5-1.5b-instruct-q4_k_m.gguf}}\n\n  \
         # A server that speaks OpenAI's chat completions. The key stands in the environment, never here:\n  \
         # - id: large\n  #   provider: openai\n  #   base_url: https://gateway.example.com/v1\n  \
         #   key_env: GATEWAY_KEY\n  #   model: name-of-the-model\n  #   concurrency: 8\n\n\
         {about}\n\
         baselines: [{}]\n\n\
         # Local models run twice: batch (accuracy, throughput), then single-stream (latency) on a subset.\n\
         single_stream: {{samples: 20}}\n",
        methods.join(", "),
        name = word(name),
    )
}
