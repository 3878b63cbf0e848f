//! DynamoDB: tables that applications ask for, made with the identity of their own cluster.

pub mod table;

pub use table::Table;

/// API group of these kinds.
pub const GROUP: &str = "dynamodb.aws.crossplane.io";

#[cfg(test)]
mod tests {
    use crate::aws::schemas::compare;

    #[test]
    fn schemas_are_those_of_provider_aws() {
        compare::<super::Table>(include_str!("table/schema.txt"));
    }
}
