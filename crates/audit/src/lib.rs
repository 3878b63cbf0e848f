//! Invariants of a plan, checked apart from the planner.
//!
//! [`audit`] shares the plan's types with the planner and none of its rules: what it checks, it
//! derives again from the final objects. A violation is a bug of the planner, never of the user;
//! whoever finds one must not execute the plan.

mod checks;
mod violation;

pub use violation::Violation;

use capstan_plan::{InventoryEntry, Owner, Plan};

/// Everything wrong with a plan; empty for a sound one.
///
/// `inventory` and `owner` are those that the plan was made from.
pub fn audit(plan: &Plan, inventory: &[InventoryEntry], owner: &Owner) -> Vec<Violation> {
    let mut found = Vec::new();
    checks::ids(plan, &mut found);
    checks::objects(plan, owner, &mut found);
    checks::order(plan, &mut found);
    checks::waits(plan, &mut found);
    checks::prune(plan, inventory, &mut found);
    checks::prune_order(plan, &mut found);
    checks::inventories(plan, inventory, &mut found);
    found
}

#[cfg(test)]
mod tests;
