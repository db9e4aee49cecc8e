//! The units of an entry: what is asked, made one by one of where it stands in the matrix.

use rightsize_reports::run::{Mode, PlannedPass, Scenario, Split};
use rightsize_suites::{Sample, Suite};

use super::UnitKey;

/// A unit to be asked.
#[derive(Debug, Clone)]
pub struct Unit {
    /// What identifies it.
    pub key: UnitKey,
    /// Position of its suite in the run's suites.
    pub suite: usize,
    /// Its sample.
    pub sample: Sample,
}

/// The units of one entry in their order, twelve bytes each: a [`Unit`] is made when it is asked.
#[derive(Debug, Clone, Default)]
pub struct Units {
    /// What many units have alike: the key without sample and repeat, and the position of the suite.
    alike: Vec<(UnitKey, usize)>,
    places: Vec<Place>,
}

/// Where a unit stands in the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    alike: u32,
    /// Position of its sample in its split of the suite.
    sample: u32,
    repeat: u32,
}

/// What the units of a pass have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Position of the suite.
    pub suite: usize,
    /// How load is offered.
    pub scenario: Scenario,
    /// Of which rows.
    pub split: Split,
    /// How they are asked.
    pub mode: Mode,
}

impl Units {
    /// Adds the units of some samples, all of them once for each repeat. `key` has no sample.
    pub(super) fn extend(&mut self, key: UnitKey, suite: usize, samples: &[u32], repeats: u32) {
        let alike = u32::try_from(self.alike.len()).unwrap_or(u32::MAX);
        self.alike.push((key, suite));
        for repeat in 0..repeats {
            self.places.extend(samples.iter().map(|&sample| Place { alike, sample, repeat }));
        }
    }

    /// Puts other units behind these.
    pub fn append(&mut self, other: Units) {
        let before = u32::try_from(self.alike.len()).unwrap_or(u32::MAX);
        self.alike.extend(other.alike);
        let moved = |place: Place| Place { alike: place.alike.saturating_add(before), ..place };
        self.places.extend(other.places.into_iter().map(moved));
    }

    /// The units of the first scenario, each sample once, with the answers chosen instead of written.
    pub fn chosen(&self) -> Units {
        let first = self.places.first().and_then(|place| self.pass(place)).map(|p| p.scenario);
        let once = |place: &&Place| {
            place.repeat == 0 && self.pass(place).map(|pass| pass.scenario) == first
        };
        let places = self.places.iter().filter(once).copied().collect();
        let mut alike = self.alike.clone();
        alike.iter_mut().for_each(|(key, _)| key.mode = Mode::Choose);
        Units { alike, places }
    }

    /// Asks each suite in a prompt variant, by its position; leaves out the suites that have none.
    pub fn in_variants(mut self, variants: &[Option<String>]) -> Units {
        let of = |suite: usize| variants.get(suite).and_then(Option::as_ref);
        for (key, suite) in &mut self.alike {
            if let Some(variant) = of(*suite) {
                key.variant.clone_from(variant);
            }
        }
        let alike = &self.alike;
        let asked = |place: &Place| {
            alike.get(place.alike as usize).is_some_and(|(_, suite)| of(*suite).is_some())
        };
        self.places.retain(asked);
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where they stand, in their order: all of one pass together.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The pass of a unit.
    pub fn pass(&self, place: &Place) -> Option<Pass> {
        let (key, suite) = self.alike.get(place.alike as usize)?;
        let UnitKey { scenario, split, mode, .. } = *key;
        Some(Pass { suite: *suite, scenario, split, mode })
    }

    /// Makes a unit; `None` where its sample cannot be read.
    pub fn unit(&self, place: Place, suites: &[Suite]) -> Option<Unit> {
        let (key, index) = self.alike.get(place.alike as usize)?;
        let suite = suites.get(*index)?;
        let samples = match key.split {
            Split::Test => &suite.samples,
            Split::Dev => &suite.dev,
        };
        let sample = samples.get(place.sample as usize)?;
        let key = UnitKey { sample: sample.id.clone(), repeat: place.repeat, ..key.clone() };
        Some(Unit { key, suite: *index, sample })
    }

    /// Makes all units, one by one.
    pub fn iter<'a>(&'a self, suites: &'a [Suite]) -> impl Iterator<Item = Unit> + 'a {
        self.places.iter().filter_map(|place| self.unit(*place, suites))
    }

    /// Leaves the units for which `keep` says so.
    ///
    /// # Errors
    /// The first error of `keep`.
    pub fn retain<E>(
        &mut self,
        mut keep: impl FnMut(&Units, Place) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut kept = Vec::with_capacity(self.places.len());
        for place in &self.places {
            if keep(self, *place)? {
                kept.push(*place);
            }
        }
        self.places = kept;
        Ok(())
    }

    /// How many there are by pass.
    pub fn planned(&self) -> Vec<PlannedPass> {
        let mut passes: Vec<PlannedPass> = Vec::new();
        for units in self.places.chunk_by(|a, b| self.pass(a) == self.pass(b)) {
            let alike = units.first().and_then(|place| self.alike.get(place.alike as usize));
            let Some((key, _)) = alike else { continue };
            passes.push(PlannedPass {
                suite: key.suite.clone(),
                model: key.entry.clone(),
                scenario: key.scenario,
                split: key.split,
                mode: key.mode,
                units: units.len() as u64,
            });
        }
        passes
    }
}
