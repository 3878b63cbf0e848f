use capstan_model::ObjectId;

/// An invariant that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Two steps apply the same object.
    #[error("{0} is applied twice")]
    AppliedTwice(ObjectId),
    /// Two steps delete the same object.
    #[error("{0} is deleted twice")]
    PrunedTwice(ObjectId),
    /// A step's id is not that of the object that it applies.
    #[error("the step of {0} applies {1}")]
    WrongObject(ObjectId, ObjectId),
    /// A step's digest is not that of its object.
    #[error("the digest of {0} is not that of its content")]
    WrongDigest(ObjectId),
    /// An object without the labels of its owner could never be pruned.
    #[error("{0} does not carry its owner's label {1}")]
    NotOwned(ObjectId, String),
    /// An object that is applied before one it needs, or together with it.
    #[error("{after} is applied before {before} is")]
    OutOfOrder {
        /// Must come first.
        before: ObjectId,
        /// Must come in a later wave.
        after: ObjectId,
    },
    /// A wave that waits for an object which no earlier wave applies would wait for ever.
    #[error("wave {wave} waits for {id}, which no earlier wave applies")]
    VainWait {
        /// Index of the wave, from 0.
        wave: usize,
        /// The object waited for.
        id: ObjectId,
    },
    /// A wave without steps.
    #[error("wave {0} is empty")]
    EmptyWave(usize),
    /// Deletion of an object that the unit never applied.
    #[error("{0} is deleted and was never in the inventory")]
    PrunedStranger(ObjectId),
    /// Deletion of an object that is wanted.
    #[error("{0} is deleted and wanted")]
    PrunedWanted(ObjectId),
    /// Deletion of a Namespace that holds wanted objects.
    #[error("{namespace} is deleted and {wanted} lives in it")]
    PrunedHome {
        /// The Namespace.
        namespace: ObjectId,
        /// An object in it.
        wanted: ObjectId,
    },
    /// A container that is deleted before what it holds.
    #[error("{container} is deleted before {held}")]
    PrunedTooSoon {
        /// A Namespace or a definition.
        container: ObjectId,
        /// What it holds or defines.
        held: ObjectId,
    },
    /// Stages that do not rise.
    #[error("{0} is deleted in an earlier stage than the step before it")]
    StageFalls(ObjectId),
    /// An object that would be applied or deleted without being written down first.
    #[error("{0} is missing from the inventory that is written before the first change")]
    NotInUnion(ObjectId),
    /// An applied object that the final inventory forgets.
    #[error("{0} is missing from the final inventory")]
    NotInFinal(ObjectId),
    /// A deleted object that the final inventory remembers.
    #[error("{0} is deleted and stays in the final inventory")]
    StaysInFinal(ObjectId),
    /// An inventory that lists an object twice.
    #[error("an inventory lists {0} twice")]
    ListedTwice(ObjectId),
}
