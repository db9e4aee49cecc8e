//! Trains the two demonstration models of rightsize and writes the suites' test data.
//!
//! `data` writes `test.jsonl` of the three shipped suites, `train` makes one of the two models,
//! `eval` measures a model on the suites. All three are deterministic.

mod attention;
mod batch;
mod catalog;
mod evaluate;
mod gguf;
mod induction;
mod model;
mod ops;
mod optimizer;
mod prompt;
mod text;
mod tokenizer;
mod train;
mod tree;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use model::Size;
use prompt::{Error, Task};

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the test data of the three suites
    Data {
        /// Folder of the shipped suites
        #[arg(long, default_value = "suites/catalog")]
        catalog: PathBuf,
    },
    /// Train one of the two models
    Train {
        /// Which model
        #[arg(long)]
        size: Size,
        /// The GGUF file to write
        #[arg(long)]
        out: PathBuf,
        /// A model to go on from: the second part of the training, on decorated text
        #[arg(long)]
        from: Option<PathBuf>,
        /// Highest learning rate, if not that of the bundled model
        #[arg(long)]
        rate: Option<f32>,
        /// Steps of the optimiser, if not as many as for the bundled model
        #[arg(long)]
        steps: Option<usize>,
    },
    /// Measure a model on the test data
    Eval {
        /// A GGUF file that `train` wrote
        #[arg(long)]
        model: PathBuf,
        /// Print every answer beside the expected one
        #[arg(long)]
        verbose: bool,
    },
}

fn main() -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match Arguments::parse().command {
        Command::Data { catalog } => catalog::write(&catalog),
        Command::Train { size, out: path, from, rate, steps } => {
            let mut plan = train::Plan::of(size, from.is_some());
            plan.steps = steps.unwrap_or(plan.steps);
            plan.rate = rate.unwrap_or(plan.rate);
            train::train(&plan, from.as_deref(), &path, &mut out)
        }
        Command::Eval { model, verbose } => {
            let (model, tokenizer) = gguf::read(&model)?;
            for task in Task::ALL {
                let rows = catalog::rows(task)?;
                let (scores, shown) = evaluate::evaluate(&model, &tokenizer, task, &rows)?;
                for (answer, expected) in shown.iter().filter(|_| verbose) {
                    writeln!(out, "{answer}   <- {expected}")?;
                }
                for (part, (sum, count)) in scores {
                    let share = sum / count as f64;
                    writeln!(out, "{} {part}: {share:.3} (n = {count})", task.name())?;
                }
            }
            Ok(())
        }
    }
}
