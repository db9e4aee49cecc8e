//! The processor, and how much of it this process may use.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

use crate::{cgroup, instruction_sets};

/// The processor as this process sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Processor {
    /// Its name as it gives it, such as `AMD EPYC 9354`; empty where it gives none.
    pub model: String,
    /// The architecture that this program was built for: `x86_64`, `aarch64`.
    pub architecture: String,
    /// Logical CPUs of the machine.
    pub logical_cpus: u32,
    /// Physical cores of the machine, where known.
    pub physical_cores: Option<u32>,
    /// Logical CPUs that this process may run on: its affinity and its CPU quota, at least 1.
    pub usable_cpus: u32,
    /// Physical cores among the CPUs of this process's affinity, where known.
    pub usable_cores: Option<u32>,
    /// CPU quota of the control group, in CPUs; absent without a limit.
    pub quota: Option<f64>,
    /// Instruction sets that matter for inference and that the processor has.
    pub instruction_sets: Vec<String>,
}

impl Processor {
    /// Looks at the processor.
    pub fn detect() -> Processor {
        let list = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
        let system = System::new_with_specifics(list).ok();
        let cpus = system.as_ref().map(System::cpus).unwrap_or_default();
        let affinity = affinity();
        let quota = cgroup::cpu_quota();
        let logical = u32::try_from(cpus.len()).unwrap_or(0).max(1);
        let allowed = match &affinity {
            Some(set) => u32::try_from(set.len()).unwrap_or(logical),
            None => parallelism().unwrap_or(logical),
        };
        Processor {
            model: cpus.first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
            architecture: std::env::consts::ARCH.to_owned(),
            logical_cpus: logical.max(allowed),
            physical_cores: System::physical_core_count().ok().and_then(|n| u32::try_from(n).ok()),
            usable_cpus: within_quota(allowed, quota),
            usable_cores: affinity.as_ref().and_then(cores_of),
            quota,
            instruction_sets: instruction_sets::present(),
        }
    }

    /// See [`crate::inference_threads`].
    pub(crate) fn inference_threads(&self) -> u32 {
        let cores = self.usable_cores.or(self.physical_cores).unwrap_or(self.usable_cpus);
        cores.clamp(1, self.usable_cpus.max(1))
    }
}

/// A quota of 2.5 CPUs keeps two threads busy; a third would be stopped half of the time and the
/// others would wait for it at every step.
fn within_quota(cpus: u32, quota: Option<f64>) -> u32 {
    let whole = quota.map_or(u32::MAX, |q| q.floor().clamp(1.0, f64::from(u32::MAX)) as u32);
    cpus.min(whole).max(1)
}

fn parallelism() -> Option<u32> {
    u32::try_from(std::thread::available_parallelism().ok()?.get()).ok()
}

/// The CPUs that this process may run on (Linux; elsewhere there is no such mask).
fn affinity() -> Option<BTreeSet<u32>> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    parse_cpu_list(list).filter(|set| !set.is_empty())
}

/// Reads a list such as `0-3,8,10-11`.
fn parse_cpu_list(list: &str) -> Option<BTreeSet<u32>> {
    /// Linux is built for at most 8,192 CPUs.
    const MAX_CPU: u32 = 1 << 16;
    let mut set = BTreeSet::new();
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if last > MAX_CPU {
            return None;
        }
        set.extend(first..=last);
    }
    Some(set)
}

/// How many physical cores these CPUs belong to: two threads of one core count once.
fn cores_of(cpus: &BTreeSet<u32>) -> Option<u32> {
    let mut cores = BTreeSet::new();
    for cpu in cpus {
        let topology = format!("/sys/devices/system/cpu/cpu{cpu}/topology");
        let read = |name: &str| std::fs::read_to_string(format!("{topology}/{name}")).ok();
        cores.insert((read("physical_package_id")?, read("core_id")?));
    }
    u32::try_from(cores.len()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists() {
        let set = parse_cpu_list("\t0-3,8,10-11\n").unwrap();
        assert_eq!(set.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 8, 10, 11]);
        assert_eq!(parse_cpu_list("0").unwrap().len(), 1);
        assert_eq!(parse_cpu_list("").unwrap().len(), 0);
        assert_eq!(parse_cpu_list("a-b"), None);
        assert_eq!(parse_cpu_list("0-4294967295"), None);
    }

    #[test]
    fn quotas_round_down_but_never_to_nothing() {
        assert_eq!(within_quota(8, None), 8);
        assert_eq!(within_quota(8, Some(2.5)), 2);
        assert_eq!(within_quota(8, Some(0.25)), 1);
        assert_eq!(within_quota(2, Some(1e12)), 2);
    }

    #[test]
    fn threads_follow_cores_and_quota() {
        let mut machine = Processor::detect();
        machine.usable_cpus = 16;
        machine.usable_cores = Some(8);
        assert_eq!(machine.inference_threads(), 8);
        machine.usable_cpus = 3;
        assert_eq!(machine.inference_threads(), 3);
        machine.usable_cores = None;
        machine.physical_cores = None;
        assert_eq!(machine.inference_threads(), 3);
    }
}
