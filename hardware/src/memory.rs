//! Memory, and how much of it this process may use.

use serde::{Deserialize, Serialize};
use sysinfo::{
    CGroupLimits, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind,
    System,
};

/// Memory as this process sees it, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Physical memory of the machine.
    pub total_bytes: u64,
    /// What can be had without swapping, the control group's limit respected.
    pub available_bytes: u64,
    /// Limit of the control group; absent without one.
    pub limit_bytes: Option<u64>,
    /// Swap space of the machine.
    pub swap_total_bytes: u64,
    /// Swap space in use.
    pub swap_used_bytes: u64,
}

impl Memory {
    /// Looks at the memory.
    pub fn detect() -> Memory {
        let kinds = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
        let Ok(mut system) = System::new_with_specifics(kinds) else {
            return Memory {
                total_bytes: 0,
                available_bytes: 0,
                limit_bytes: None,
                swap_total_bytes: 0,
                swap_used_bytes: 0,
            };
        };
        let limits = own_limits(&mut system);
        Memory::within(
            system.total_memory(),
            system.available_memory(),
            limits.map(|l| (l.total_memory, l.free_memory)),
            (system.total_swap(), system.used_swap()),
        )
    }

    /// Joins the machine's figures with the control group's limit and what is left of it. A limit
    /// that is not below the machine's memory is none: an unlimited group reports that memory.
    fn within(total: u64, available: u64, limit: Option<(u64, u64)>, swap: (u64, u64)) -> Memory {
        let limit = limit.filter(|(limit, _)| *limit > 0 && *limit < total);
        let left = limit.map_or(available, |(_, left)| available.min(left));
        Memory {
            total_bytes: total,
            available_bytes: left.min(total),
            limit_bytes: limit.map(|(limit, _)| limit),
            swap_total_bytes: swap.0,
            swap_used_bytes: swap.1,
        }
    }
}

/// The limits of this process's own group, else those of the root that it sees.
fn own_limits(system: &mut System) -> Option<CGroupLimits> {
    let pid = Pid::from_u32(std::process::id());
    let only_this = ProcessesToUpdate::Some(&[pid]);
    let _ = system.refresh_processes_specifics(only_this, false, ProcessRefreshKind::nothing());
    system.process(pid).and_then(sysinfo::Process::cgroup_limits).or_else(|| system.cgroup_limits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_only_below_the_machine() {
        let limited = Memory::within(64, 40, Some((2, 1)), (0, 0));
        assert_eq!((limited.limit_bytes, limited.available_bytes), (Some(2), 1));
        let unlimited = Memory::within(64, 40, Some((64, 50)), (0, 0));
        assert_eq!((unlimited.limit_bytes, unlimited.available_bytes), (None, 40));
    }
}
