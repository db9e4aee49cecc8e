//! `rightsize models`: models that can be named without a path, and the providers.

use rightsize_providers::demo_models;
use tabled::builder::Builder;
use tabled::settings::Style;

use crate::exit::{Exit, Failure};
use crate::printer::Printer;

const PROVIDERS: &str = "\
Providers
  llama-cpp  a GGUF file, or a name above, through llama.cpp
  candle     a GGUF file, a name above, or a folder of safetensors, through candle
  openai     a server that speaks OpenAI's chat completions: base_url, key_env, model
  replay     answers read from a JSON Lines file, or a run folder's records.jsonl

Put one into a bake-off:
  models:
    - specialist-5m
    - {id: mine, provider: llama-cpp, model: path/to/model.gguf}
    - {id: server, provider: openai, base_url: \"http://127.0.0.1:8000/v1\", model: name}";

/// `rightsize models`.
pub fn models(printer: Printer) -> Result<Exit, Failure> {
    let mut table = Builder::default();
    table.push_record(["name", "size", "where"]);
    for model in demo_models::known() {
        let megabytes = format!("{:.1} MB", model.bytes as f64 / 1e6);
        let place = match (model.bundled, model.present) {
            (true, _) => "in this program",
            (false, true) => "in the cache folder",
            (false, false) => "not fetched: `make fetch` in the source folder",
        };
        table.push_record([model.name, &megabytes, place]);
    }
    let table = table.build().with(Style::blank()).to_string();
    printer.result(&format!("{table}\n\n{PROVIDERS}"));
    Ok(Exit::Done)
}
