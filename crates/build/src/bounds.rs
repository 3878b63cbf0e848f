//! What one build may cost: far more than any real one needs, and far from what would hurt.

use std::cell::Cell;

use crate::error::BuildError;

/// Layers within layers, far from the end of a thread's stack.
const DEPTH: usize = 100;
/// Layers, each as often as it is included: diamonds upon diamonds double them with every step.
const LAYERS: usize = 5_000;
/// Objects that are read, each as often as it is included.
const OBJECTS: usize = 100_000;
/// Bytes of all files that are read, each as often as it is read: values take several times as much.
const BYTES: usize = 256 << 20;

/// What a build has taken so far.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    layers: Cell<usize>,
    objects: Cell<usize>,
    bytes: Cell<usize>,
}

impl Bounds {
    /// Counts a layer that lies upon `depth` others.
    pub(crate) fn add_layer(&self, depth: usize) -> Result<(), BuildError> {
        if add(&self.layers, 1) <= LAYERS && depth <= DEPTH {
            return Ok(());
        }
        Err(too_much(&format!(
            "too many layers: at most {DEPTH} may lie upon each other, and {LAYERS} in one build"
        )))
    }

    /// Counts an object.
    pub(crate) fn add_object(&self) -> Result<(), BuildError> {
        if add(&self.objects, 1) <= OBJECTS {
            return Ok(());
        }
        Err(too_much(&format!("too many objects: at most {OBJECTS} in one build")))
    }

    /// Counts the content of a file.
    pub(crate) fn add_bytes(&self, bytes: usize) -> Result<(), BuildError> {
        if add(&self.bytes, bytes) <= BYTES {
            return Ok(());
        }
        Err(too_much(&format!("too large: one build reads at most {} MiB", BYTES >> 20)))
    }

    /// Was any object read?
    pub(crate) fn has_objects(&self) -> bool {
        self.objects.get() > 0
    }
}

fn add(count: &Cell<usize>, more: usize) -> usize {
    count.set(count.get().saturating_add(more));
    count.get()
}

fn too_much(message: &str) -> BuildError {
    BuildError::new(message)
        .hint("split what this directory includes into Kustomizations of its own")
}
