//! `oracle`: the expected answer, written as text as a perfect model would write it. It goes the
//! way of every answer, so a suite where it scores below 1 has a fault in its expected answers, or
//! we have one in writing, reading or scoring.

use rightsize_providers::Response;

use crate::sample::Sample;
use crate::tasks::Task;

pub(super) fn answer(task: &Task, sample: &Sample) -> Response {
    task.write_expected(sample)
}
