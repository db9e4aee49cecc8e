//! How many asks of an entry may be in flight, and the way to be the only one.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits the asks of an entry. Fair: whoever waits to be alone is not overtaken.
#[derive(Debug, Clone)]
pub struct Gate {
    places: Arc<Semaphore>,
    size: u32,
}

/// A place in flight; dropping it makes room.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    /// A gate for `size` asks at once, at least one.
    pub fn new(size: usize) -> Gate {
        let size = u32::try_from(size.clamp(1, 1 << 16)).unwrap_or(1);
        Gate { places: Arc::new(Semaphore::new(size as usize)), size }
    }

    /// Waits for a place.
    pub async fn enter(&self) -> Option<Place> {
        self.take(1).await
    }

    /// Waits until nothing else is in flight, and keeps it so.
    pub async fn alone(&self) -> Option<Place> {
        self.take(self.size).await
    }

    /// The semaphore is never closed, so there always is a place in the end.
    async fn take(&self, places: u32) -> Option<Place> {
        let permit = Arc::clone(&self.places).acquire_many_owned(places).await.ok()?;
        Some(Place { _permit: permit })
    }
}
