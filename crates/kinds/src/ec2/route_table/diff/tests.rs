use super::present;
use crate::ec2::route_table::Spec;
use capstan_cloud::aws_sdk_ec2::types::{
    Route, RouteOrigin, RouteState, RouteTable, RouteTableAssociation, RouteTableAssociationState,
    RouteTableAssociationStateCode as Code,
};
use capstan_provision::{Drift, State};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn spec() -> Spec {
    let spec = json!({
        "region": "r", "vpcId": "vpc-1",
        "routes": [{
            "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1",
            "natGatewayIdSelector": {"matchControllerRef": true},
        }],
        "associations": [{
            "subnetId": "subnet-1", "subnetIdSelector": {"matchControllerRef": true},
        }],
    });
    serde_json::from_value(spec).expect("it is valid")
}

fn local() -> Route {
    Route::builder()
        .destination_cidr_block("10.0.0.0/16")
        .gateway_id("local")
        .origin(RouteOrigin::CreateRouteTable)
        .state(RouteState::Active)
        .build()
}

fn nat(id: &str, state: RouteState) -> Route {
    let route = Route::builder().destination_cidr_block("0.0.0.0/0").nat_gateway_id(id);
    route.origin(RouteOrigin::CreateRoute).state(state).build()
}

fn association(subnet: &str, code: Code) -> RouteTableAssociation {
    RouteTableAssociation::builder()
        .route_table_association_id(format!("rtbassoc-{subnet}"))
        .subnet_id(subnet)
        .association_state(RouteTableAssociationState::builder().state(code).build())
        .build()
}

fn table(routes: Vec<Route>, associations: Vec<RouteTableAssociation>) -> RouteTable {
    RouteTable::builder()
        .route_table_id("rtb-1")
        .vpc_id("vpc-1")
        .set_routes(Some(routes))
        .set_associations(Some(associations))
        .build()
}

fn seen(table: &RouteTable) -> (State, Vec<Drift>) {
    let present = present(&spec(), &BTreeSet::new(), table);
    (present.state, present.diff)
}

#[test]
fn a_new_table_is_not_ready_before_its_routes_are_there() {
    let (state, diff) = seen(&table(vec![local()], vec![]));
    assert_eq!(state, State::Creating);
    assert_eq!(diff.len(), 2);
    let route = json!({"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-1"});
    assert_eq!((&diff[0].wanted, &diff[0].found), (&route, &Value::Null));
    assert_eq!((&diff[1].wanted, &diff[1].found), (&json!({"subnetId": "subnet-1"}), &Value::Null));
}

#[test]
fn it_is_ready_when_everything_is_there() {
    let routes = vec![local(), nat("nat-1", RouteState::Active)];
    let associated = vec![association("subnet-1", Code::Associated)];
    assert_eq!(seen(&table(routes.clone(), associated)), (State::Ready, vec![]));
    let associating = vec![association("subnet-1", Code::Associating)];
    assert_eq!(seen(&table(routes, associating)), (State::Creating, vec![]));
}

#[test]
fn a_route_elsewhere_is_replaced_and_a_dead_one_is_a_failure() {
    let associated = || vec![association("subnet-1", Code::Associated)];
    let (state, diff) = seen(&table(vec![nat("nat-2", RouteState::Active)], associated()));
    assert_eq!(state, State::Creating);
    assert_eq!((diff.len(), &diff[0].found["natGatewayId"]), (1, &json!("nat-2")));
    let (state, diff) = seen(&table(vec![nat("nat-1", RouteState::Blackhole)], associated()));
    let State::Failed { message, replace: false } = state else { panic!("{state:?}") };
    assert_eq!(message, "the route to 0.0.0.0/0 is a black hole: its target is gone or detached");
    assert_eq!(diff, vec![]);
}

#[test]
fn extra_routes_and_associations_go_and_those_of_aws_stay() {
    let extra = Route::builder().destination_cidr_block("192.168.0.0/16").gateway_id("igw-1");
    let extra = extra.origin(RouteOrigin::CreateRoute).build();
    let endpoint = Route::builder().destination_prefix_list_id("pl-1").gateway_id("vpce-1").build();
    let main = RouteTableAssociation::builder().main(true).route_table_association_id("m").build();
    let (state, diff) = seen(&table(
        vec![local(), nat("nat-1", RouteState::Active), extra, endpoint],
        vec![
            association("subnet-1", Code::Associated),
            association("subnet-9", Code::Associated),
            main,
        ],
    ));
    assert_eq!(state, State::Ready, "what is there beside does not count");
    let extra: Vec<_> = diff.iter().map(|drift| (drift.field.as_str(), &drift.wanted)).collect();
    assert_eq!(extra, [("routes", &Value::Null), ("associations", &Value::Null)]);
    assert_eq!(diff[1].found["associationId"], json!("rtbassoc-subnet-9"));
}

#[test]
fn routes_can_be_left_to_others() {
    let mut spec = spec();
    spec.ignore_routes = Some(true);
    spec.associations.clear();
    let extra =
        Route::builder().destination_cidr_block("192.168.0.0/16").gateway_id("igw-1").build();
    let present = present(&spec, &BTreeSet::new(), &table(vec![local(), extra], vec![]));
    assert_eq!((present.state, present.diff), (State::Ready, vec![]));
}
