use std::hash::{DefaultHasher, Hash, Hasher};

/// A number that a seed and a circumstance determine: the same for the same, whatever else happened before.
#[derive(Clone, Debug)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The chances of a circumstance under a seed.
    pub fn of(seed: u64, circumstance: impl Hash) -> Self {
        // The default hasher has no key of its own: it is the same in every process.
        let mut hasher = DefaultHasher::new();
        (seed, circumstance).hash(&mut hasher);
        Self { state: hasher.finish() }
    }

    /// The next number: splitmix64.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; zero when that is zero.
    pub fn below(&mut self, end: usize) -> usize {
        let end = end.max(1);
        usize::try_from(self.number() % end as u64).unwrap_or_default()
    }

    /// True once in `n` times; never when `n` is zero.
    pub fn one_in(&mut self, n: usize) -> bool {
        n > 0 && self.below(n) == 0
    }

    /// One of some values.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }
}
