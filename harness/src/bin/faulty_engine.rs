//! An engine for tests: the product's own, except that it dies of certain prompts.
//!
//! A prompt with `POISON-SEGV` ends it by SIGSEGV, one with `POISON-HANG` makes it stop reading and
//! computing for ever. Both happen when the ask arrives, while others are in flight.

use std::process::ExitCode;

use rightsize_providers::{Ask, AskKind, Prompt, local};
use rustix::process::{Signal, getpid, kill_process};

fn main() -> ExitCode {
    local::engine_main_watched(die_of_poison)
}

fn die_of_poison(ask: &Ask) {
    let AskKind::Generate(ask) = &ask.kind else {
        return;
    };
    let poisoned = |poison: &str| match &ask.prompt {
        Prompt::Raw(text) => text.contains(poison),
        Prompt::Messages(messages) => messages.iter().any(|m| m.content.contains(poison)),
    };
    while poisoned("POISON-SEGV") {
        let _ = kill_process(getpid(), Signal::SEGV);
    }
    while poisoned("POISON-HANG") {
        std::thread::park();
    }
}
