//! `rightsize hardware`: what this machine is.

use rightsize_hardware::Machine;

use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// `rightsize hardware`.
pub fn hardware(json: bool, printer: Printer) -> Result<Exit, Failure> {
    let machine = Machine::detect();
    if json {
        let text = serde_json::to_string_pretty(&machine).map_err(|error| {
            Failure::incomplete(format!("cannot write JSON: {error}"), "report this as a bug")
        })?;
        printer.result(&text);
    } else {
        printer.result(&text(&machine));
    }
    Ok(Exit::Done)
}

/// The machine in lines for people.
fn text(machine: &Machine) -> String {
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none seen".to_owned());
    let (cpu, memory, host) = (&machine.processor, &machine.memory, &machine.host);
    let cores = cpu.physical_cores.map_or(String::new(), |n| format!("{n} cores, "));
    let quota = cpu.quota.map_or(String::new(), |q| format!(", CPU quota {q}"));
    let limit = memory.limit_bytes.map_or("none".to_owned(), gib);
    let gpus: Vec<String> = machine
        .gpus
        .iter()
        .map(|gpu| match gpu.memory_bytes {
            Some(bytes) => format!("{} ({})", gpu.name, gib(bytes)),
            None => gpu.name.clone(),
        })
        .collect();
    let lines = [
        ("Processor", format!("{} ({})", cpu.model, cpu.architecture)),
        ("Cores", format!("{cores}{} CPUs, {} usable{quota}", cpu.logical_cpus, cpu.usable_cpus)),
        ("Threads for inference", rightsize_hardware::inference_threads().to_string()),
        ("Instruction sets", cpu.instruction_sets.join(" ")),
        (
            "Memory",
            format!("{}, {} available", gib(memory.total_bytes), gib(memory.available_bytes)),
        ),
        ("Memory limit (cgroup)", limit),
        ("GPUs", if gpus.is_empty() { "none answered".to_owned() } else { gpus.join(", ") }),
        ("Operating system", host.os.clone()),
        ("Kernel", or_none(&host.kernel)),
        ("Container", or_none(&host.container)),
        ("Virtual machine", or_none(&host.virtual_machine)),
    ];
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = lines.iter().map(|(name, value)| format!("{name:width$}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}
