//! Statistics: pure functions on values, with no file and no clock.

pub mod bootstrap;
pub mod percentile;
pub mod power;
pub mod wilson;

#[cfg(test)]
mod golden;
