//! What differs between an internet gateway as it is wanted and as it is.

use std::collections::BTreeSet;

use capstan_cloud::aws_sdk_ec2::types::{
    AttachmentStatus, InternetGateway, InternetGatewayAttachment,
};
use capstan_provision::{Drift, Drifts, Present, State, tags as owner_tags};

use super::types::{Attachment, Spec, Status};
use crate::ec2::tags;

/// The resource as the lifecycle wants to know it: a gateway without its VPC is still being made.
pub(super) fn present(
    spec: &Spec,
    applied: &BTreeSet<String>,
    gateway: &InternetGateway,
) -> Present<Status> {
    let state = match attached_to(gateway) {
        Some(vpc) if spec.vpc_id.as_deref().is_none_or(|wanted| wanted == vpc) => State::Ready,
        None if spec.vpc_id.is_none() => State::Ready,
        _ => State::Creating,
    };
    Present {
        diff: drifts(spec, applied, gateway),
        owner: tags::owner(gateway.tags.as_deref()),
        external_name: gateway.internet_gateway_id.clone(),
        ..Present::new(status(gateway), state)
    }
}

/// Does an attachment hold, or is it about to?
fn holds(attachment: &InternetGatewayAttachment) -> bool {
    // AWS says `available` here, a word that the SDK's list of attachment states does not have.
    let words = attachment.state.as_ref().map(AttachmentStatus::as_str);
    matches!(words, Some("available" | "attached" | "attaching"))
}

/// The VPC that the gateway is attached to.
fn attached_to(gateway: &InternetGateway) -> Option<&str> {
    let mut attachments = gateway.attachments().iter().filter(|attachment| holds(attachment));
    attachments.find_map(InternetGatewayAttachment::vpc_id)
}

fn drifts(spec: &Spec, applied: &BTreeSet<String>, gateway: &InternetGateway) -> Vec<Drift> {
    let mut drifts = Drifts::new();
    let vpc = attached_to(gateway).map(str::to_owned);
    drifts.field("vpcId", spec.vpc_id.as_ref(), vpc.as_ref());
    let wanted = tags::wanted(spec.tags.as_deref());
    drifts.extend(owner_tags::drift(&wanted, &tags::found(gateway.tags.as_deref()), applied));
    drifts.into_vec()
}

fn status(gateway: &InternetGateway) -> Status {
    let attachments = gateway.attachments().iter().map(|attachment| Attachment {
        attachment_status: attachment.state.as_ref().map(|state| state.as_str().to_owned()),
        vpc_id: attachment.vpc_id.clone(),
    });
    Status {
        attachments: Some(attachments.collect()),
        internet_gateway_id: gateway.internet_gateway_id.clone(),
        owner_id: gateway.owner_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::present;
    use crate::ec2::internet_gateway::Spec;
    use capstan_cloud::aws_sdk_ec2::types::{
        AttachmentStatus, InternetGateway, InternetGatewayAttachment,
    };
    use capstan_provision::State;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    fn seen(attachment: Option<(&str, &str)>) -> (State, Vec<(Value, Value)>) {
        let spec: Spec = serde_json::from_value(json!({"vpcId": "vpc-1"})).expect("it is valid");
        let attachments = attachment.map(|(vpc, state)| {
            let state = AttachmentStatus::from(state);
            vec![InternetGatewayAttachment::builder().vpc_id(vpc).state(state).build()]
        });
        let gateway = InternetGateway::builder()
            .internet_gateway_id("igw-1")
            .set_attachments(attachments)
            .build();
        let present = present(&spec, &BTreeSet::new(), &gateway);
        (present.state, present.diff.into_iter().map(|d| (d.wanted, d.found)).collect())
    }

    #[test]
    fn it_is_ready_when_it_is_attached_to_its_vpc() {
        assert_eq!(seen(Some(("vpc-1", "available"))), (State::Ready, vec![]));
        assert_eq!(seen(Some(("vpc-1", "attached"))), (State::Ready, vec![]));
        let missing = (State::Creating, vec![(json!("vpc-1"), Value::Null)]);
        assert_eq!(seen(None), missing);
        assert_eq!(seen(Some(("vpc-1", "detached"))), missing);
        let elsewhere = (State::Creating, vec![(json!("vpc-1"), json!("vpc-2"))]);
        assert_eq!(seen(Some(("vpc-2", "available"))), elsewhere);
    }
}
