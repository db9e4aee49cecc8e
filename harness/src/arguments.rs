//! The command line: what may be typed, and the help that is printed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use rightsize_suites::propose::Kind;

use crate::plan::Shard;
use crate::runner::MaxErrors;

/// Finds the right size of language model for your own tasks.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "\
Examples:
  rightsize demo                       a first report, with the bundled models
  rightsize init tickets.csv           a suite and a bake-off of your own rows
  rightsize run tickets/bakeoff.yaml
  rightsize explain TTFT

Exit codes: 0 done, 1 a gate failed, 2 the input is wrong, 3 the run is incomplete."
)]
pub struct Arguments {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Trace to standard error and to log.txt in the run folder; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the bundled models on the shipped suites and write the report
    #[command(after_help = "\
Examples:
  rightsize demo
  rightsize demo --model ~/models/qwen2.5-1.5b-instruct-q4_k_m.gguf
  rightsize demo --limit 20 --out /tmp/demo")]
    Demo(Demo),
    /// Run a bake-off
    #[command(after_help = "\
Examples:
  rightsize run                                 ./bakeoff.yaml
  rightsize run triage.yaml --limit 20          a quick look at 20 samples of each suite
  rightsize run triage.yaml --models small,large --out runs/monday
  rightsize run --resume runs/monday            go on after an interrupt or a crash
  rightsize run triage.yaml --shard 3/8 --out shard3")]
    Run(Run),
    /// Put the shards of one run together
    #[command(after_help = "\
Example:
  rightsize merge shard1 shard2 shard3 shard4 --out whole")]
    Merge {
        /// Run folders of the shards
        #[arg(required = true)]
        folders: Vec<PathBuf>,
        /// The run folder to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the report of a run folder again and print its summary
    #[command(after_help = "\
Examples:
  rightsize report runs/monday
  rightsize report runs/monday --json | jq .results
  rightsize report runs/monday --share           without any text of a sample")]
    Report(Report),
    /// Score the answers of a run folder again, without asking again
    #[command(after_help = "\
Examples:
  rightsize rescore runs/monday                         by the rules of this version
  rightsize rescore runs/monday --suite triage/suite.yaml --dry-run
  rightsize rescore runs/monday --suite triage/suite.yaml --json

Aliases, filters, comparators, expected answers and the primary metric may have changed; what is
asked may not. The new scores stand beside the old ones, and the report shows the newest.
To go back, rescore with the suite file as it was.")]
    Rescore(Rescore),
    /// Check suites and bake-offs without calling a model
    #[command(after_help = "\
Examples:
  rightsize check bakeoff.yaml
  rightsize check suites/*/suite.yaml catalog:kb-faq")]
    Check {
        /// Suites (files, or catalog:NAME) and bake-offs
        #[arg(required = true)]
        files: Vec<String>,
    },
    /// Make a suite and a bake-off of your own data file or of a promptfoo configuration, or write an
    /// example
    #[command(after_help = "\
Examples:
  rightsize init tickets.csv                     asks where it is in doubt, writes tickets/
  rightsize init tickets.csv --yes --out triage
  rightsize init tickets.csv --expected queue --input subject,body
  rightsize init docs.jsonl --kind extraction --test-share 1
  rightsize init promptfooconfig.yaml            translates it, lists what it could not translate
  rightsize init my-bakeoff                      an example, in a folder of its own
  rightsize run my-bakeoff/bakeoff.yaml

A file `train.csv` beside `test.csv` is used to learn from. Your files are used where they lie;
rows are copied only where they are split, left out or written in another way.")]
    Init(Init),
    /// List the models that can be named without a path, and the providers
    #[command(after_help = "\
Example:
  rightsize models")]
    Models,
    /// Show what this machine is, as it stands in every report
    #[command(after_help = "\
Examples:
  rightsize hardware
  rightsize hardware --json | jq .isa")]
    Hardware {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of a file that you write, for editors
    #[command(after_help = "\
Examples:
  rightsize schema suite > suite.schema.json
  rightsize schema bakeoff > bakeoff.schema.json

An editor with the YAML language server completes and checks keys in a file that begins with
  # yaml-language-server: $schema=suite.schema.json")]
    Schema {
        /// The kind of file
        file: SchemaOf,
    },
    /// Explain a word of the reports
    #[command(after_help = "\
Examples:
  rightsize explain TTFT
  rightsize explain                              every word")]
    Explain {
        /// The word
        term: Option<String>,
    },
    /// Print shell completions
    #[command(after_help = "\
Example:
  rightsize completions bash > /etc/bash_completion.d/rightsize")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaOf {
    /// A suite
    Suite,
    /// A bake-off
    Bakeoff,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// A further GGUF file to run beside the bundled models
    #[arg(long, value_name = "PATH.gguf")]
    pub model: Vec<PathBuf>,
    /// Samples of each suite, a seeded subset
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// The run folder [default: runs/TIME-demo]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the analysis as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The bake-off file [default: bakeoff.yaml; with --resume the folder's own]
    pub file: Option<PathBuf>,
    /// The run folder [default: runs/TIME-NAME]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with this run folder: no unit with a complete record is asked again, except errors
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
    /// Run the i-th of n parts; put them together with `rightsize merge`
    #[arg(long, value_name = "I/N", conflicts_with = "resume")]
    pub shard: Option<Shard>,
    /// Samples of each suite, a seeded subset
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub limit: Option<usize>,
    /// Only these model entries, by id
    #[arg(long, value_name = "IDS", value_delimiter = ',', conflicts_with = "resume")]
    pub models: Vec<String>,
    /// Only these suites, by name
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "resume")]
    pub suites: Vec<String>,
    /// How many units may end without an answer, a number or a percentage, before the exit code
    /// is 3
    #[arg(long, value_name = "N|P%", default_value = "1%")]
    pub max_errors: MaxErrors,
    /// Print the analysis as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// A data file (csv, tsv, jsonl, json, also packed), a promptfoo configuration (yaml, json), or a
    /// folder for an example
    #[arg(default_value = ".", value_name = "FILE|DIR")]
    pub source: PathBuf,
    /// The folder to write to [default: the file's name without its ending]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The kind of task: classification, extraction, pii, faq, summarization, reasoning or checks
    #[arg(long)]
    pub kind: Option<Kind>,
    /// The columns that a model reads
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub input: Vec<String>,
    /// The column with the right answer
    #[arg(long, value_name = "COLUMN")]
    pub expected: Option<String>,
    /// The column that names a row
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// The share of rows that are asked, above 0; 1 keeps all. Baselines learn from the rest
    #[arg(long, value_name = "SHARE")]
    pub test_share: Option<f64>,
    /// Ask nothing, take what is proposed
    #[arg(long)]
    pub yes: bool,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The run folder
    pub folder: PathBuf,
    /// Print the analysis as JSON and write no report
    #[arg(long, conflicts_with_all = ["share", "embed"])]
    pub json: bool,
    /// Leave every text of a sample out and write report-shared.html
    #[arg(long)]
    pub share: bool,
    /// How many texts of samples the report contains
    #[arg(long, value_enum, default_value_t = EmbedTexts::Budget, conflicts_with = "share")]
    pub embed: EmbedTexts,
}

/// Arguments of `rescore`.
#[derive(Debug, Args)]
pub struct Rescore {
    /// The run folder
    pub folder: PathBuf,
    /// Score by this suite (a file, or catalog:NAME) instead of the one of its name that scored last
    #[arg(long, value_name = "FILE|catalog:NAME")]
    pub suite: Vec<String>,
    /// Print the difference as JSON
    #[arg(long)]
    pub json: bool,
    /// Show the difference and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How many texts of samples a report contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EmbedTexts {
    /// Up to about 3 MB: failures and disagreements first
    Budget,
    /// All
    All,
}
