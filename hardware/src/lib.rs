//! What this machine is: processor, instruction sets, memory, limits, accelerators.
//!
//! Nothing here runs an external command, needs a right, or can fail: what cannot be found out is
//! absent. In a container the figures are those of the container, which may use far less than the
//! machine beneath it.

mod cgroup;
mod gpu;
mod host;
mod instruction_sets;
mod memory;
mod processor;

use serde::{Deserialize, Serialize};

pub use gpu::Gpu;
pub use host::Host;
pub use instruction_sets::present as instruction_sets;
pub use memory::Memory;
pub use processor::Processor;

/// A machine as this process sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, and how much of it this process may use.
    pub processor: Processor,
    /// Memory, and how much of it this process may use.
    pub memory: Memory,
    /// Accelerators that answered; empty where none did.
    pub gpus: Vec<Gpu>,
    /// Operating system, container, virtual machine.
    pub host: Host,
}

impl Machine {
    /// Looks at this machine. Takes some milliseconds.
    pub fn detect() -> Machine {
        Machine {
            processor: Processor::detect(),
            memory: Memory::detect(),
            gpus: gpu::detect(),
            host: Host::detect(),
        }
    }
}

/// How many threads inference should use: one for each physical core that this process may run on,
/// but no more than its CPU quota.
///
/// More threads than that make it slower: four threads on two cores decoded 46 % fewer tokens/s
/// than two.
pub fn inference_threads() -> u32 {
    Processor::detect().inference_threads()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_makes_sense() {
        let machine = Machine::detect();
        let processor = &machine.processor;
        assert!(processor.usable_cpus >= 1);
        assert!(processor.usable_cpus <= processor.logical_cpus);
        assert!(inference_threads() >= 1);
        assert!(inference_threads() <= processor.usable_cpus);
        assert!(machine.memory.total_bytes > 0);
        assert!(machine.memory.available_bytes <= machine.memory.total_bytes);
        if let Some(limit) = machine.memory.limit_bytes {
            assert!(limit < machine.memory.total_bytes);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let machine = Machine::detect();
        let text = serde_json::to_string(&machine).unwrap();
        assert_eq!(serde_json::from_str::<Machine>(&text).unwrap(), machine);
    }
}
