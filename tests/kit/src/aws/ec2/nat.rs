//! NAT gateways: asynchronous states over moto's, which are available at once.

use std::time::Instant;

use super::super::error::{AwsError, Reply};
use super::super::form::Filter;
use super::super::route::Call;
use super::super::xml::Element;
use super::Ec2;

/// A NAT gateway's state as AWS would show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending { until: Instant },
    Available,
    Failed { code: &'static str, message: String },
    Deleting { until: Instant },
    Deleted,
}

/// What we know of a NAT gateway beside moto.
#[derive(Clone, Debug)]
pub(super) struct Nat {
    pub(super) region: String,
    pub(super) vpc: String,
    pub(super) subnet: String,
    pub(super) public: bool,
    association: Option<String>,
    interface: Option<String>,
    pub(super) state: State,
}

impl Nat {
    /// Whether it still holds its subnet and address.
    pub(super) fn holds(&self) -> bool {
        !matches!(self.state, State::Failed { .. } | State::Deleted)
    }

    fn word(&self) -> &'static str {
        match self.state {
            State::Pending { .. } => "pending",
            State::Available => "available",
            State::Failed { .. } => "failed",
            State::Deleting { .. } => "deleting",
            State::Deleted => "deleted",
        }
    }
}

impl Ec2 {
    /// Lets time pass: pending ones become available, deleting ones go.
    pub(crate) async fn settle(&self) -> Result<(), AwsError> {
        // Nobody may see a gateway as deleted whose address moto still holds.
        let _one_at_a_time = self.settling.lock().await;
        for (id, nat) in self.due(Instant::now()) {
            self.remove_from_moto(&id, &nat).await?;
            let mut nats = self.nats.lock().expect("because no holder of the gateways panics");
            nats.insert(id, Nat { state: State::Deleted, ..nat });
        }
        Ok(())
    }

    /// Makes available what has waited long enough, and returns what has to go.
    fn due(&self, now: Instant) -> Vec<(String, Nat)> {
        let mut nats = self.nats.lock().expect("because no holder of the gateways panics");
        let mut gone = Vec::new();
        for (id, nat) in nats.iter_mut() {
            match nat.state {
                State::Pending { until } if until <= now => nat.state = State::Available,
                State::Deleting { until } if until <= now => gone.push((id.clone(), nat.clone())),
                _ => {}
            }
        }
        gone
    }

    /// Whether traffic passes through it now.
    pub(super) fn is_available(&self, id: &str) -> bool {
        let nats = self.nats.lock().expect("because no holder of the gateways panics");
        nats.get(id).is_some_and(|nat| nat.state == State::Available)
    }

    /// Whether it is a gateway that holds nothing any more and is only still shown.
    pub(crate) fn is_gone(&self, id: &str) -> bool {
        let nats = self.nats.lock().expect("because no holder of the gateways panics");
        nats.get(id).is_some_and(|nat| !nat.holds())
    }

    /// Whether this network interface belongs to a gateway.
    pub(super) fn is_nat_interface(&self, interface: &str) -> bool {
        let nats = self.nats.lock().expect("because no holder of the gateways panics");
        !interface.is_empty()
            && nats.values().any(|nat| nat.holds() && nat.interface.as_deref() == Some(interface))
    }

    /// The gateways that still hold something, with their ids, that fulfil a condition.
    pub(super) fn holding(&self, test: impl Fn(&Nat) -> bool) -> Vec<String> {
        let nats = self.nats.lock().expect("because no holder of the gateways panics");
        let held = nats.iter().filter(|(_, nat)| nat.holds() && test(nat));
        held.map(|(id, _)| id.clone()).collect()
    }

    pub(super) async fn create_nat(&self, call: &Call) -> Result<Reply, AwsError> {
        let form = &call.form;
        let subnet = form.get("SubnetId").unwrap_or_default();
        let public = form.get("ConnectivityType") != Some("private");
        if public && form.get("AllocationId").is_none() {
            return Err(AwsError::new(
                400,
                "MissingParameter",
                "The request must contain the parameter AllocationId",
            ));
        }
        let found = self.ask(&call.region, "DescribeSubnets", &[("SubnetId.1", subnet)]).await?;
        let vpc = found.find_text("vpcId").unwrap_or_default().to_owned();
        let attached = self.attached_gateway(&call.region, &vpc).await?.is_some();
        let reply = self.moto.forward(call).await?;
        let Some(mut answer) = reply.xml().filter(|_| reply.error.is_none()) else {
            return Ok(reply);
        };
        let (id, nat) = self.note(call, &answer, vpc, public);
        if let Some(gateway) = answer.find_mut("natGateway") {
            gateway.set("state", "pending");
        }
        let mut reply = Reply { body: answer.document().into_bytes(), ..reply };
        if public && !attached {
            reply.error = Some(self.fail(&id, nat).await?);
        }
        Ok(reply)
    }

    pub(super) async fn delete_nat(&self, call: &Call) -> Result<Reply, AwsError> {
        let id = call.form.get("NatGatewayId").unwrap_or_default();
        {
            let mut nats = self.nats.lock().expect("because no holder of the gateways panics");
            let nat = nats.get_mut(id).filter(|nat| nat.region == call.region);
            let nat = nat.ok_or_else(|| not_found(id))?;
            match nat.state {
                State::Pending { .. } | State::Available => {
                    nat.state = State::Deleting { until: Instant::now() + self.delays.nat_deleted };
                }
                // It holds nothing in moto any more.
                State::Failed { .. } => nat.state = State::Deleted,
                State::Deleting { .. } | State::Deleted => {}
            }
        }
        Ok(Reply::ec2("DeleteNatGateway", vec![Element::leaf("natGatewayId", id)]))
    }

    pub(super) async fn describe_nats(&self, call: &Call) -> Result<Reply, AwsError> {
        let mut answer = self.ask(&call.region, "DescribeNatGateways", &[]).await?;
        let wanted = call.form.list("NatGatewayId");
        let filters = call.form.filters();
        let Some(list) = answer.find_mut("natGatewaySet") else {
            return Ok(Reply::ec2(
                "DescribeNatGateways",
                vec![Element::node("natGatewaySet", vec![])],
            ));
        };
        for item in &mut list.children {
            self.overlay(item);
        }
        let known: Vec<_> =
            list.children.iter().filter_map(|item| item.text("natGatewayId")).collect();
        let missing = |id: &&&str| !known.contains(id) || self.is_hidden(id);
        if let Some(id) = wanted.iter().find(missing) {
            return Err(not_found(id));
        }
        list.children.retain(|item| {
            let id = item.text("natGatewayId").unwrap_or_default();
            let asked = wanted.is_empty() || wanted.contains(&id);
            asked && !self.is_hidden(id) && filters.iter().all(|filter| passes(item, filter))
        });
        let set = list.clone();
        Ok(Reply::ec2("DescribeNatGateways", vec![set]))
    }

    /// Marks the routes whose NAT gateway is gone, as AWS does.
    pub(super) fn with_blackholes(&self, reply: Reply) -> Reply {
        let Some(mut answer) = reply.xml().filter(|_| reply.error.is_none()) else { return reply };
        let tables = answer.find_mut("routeTableSet").map(|set| set.children.iter_mut());
        for table in tables.into_iter().flatten() {
            let routes = table.find_mut("routeSet").map(|set| set.children.iter_mut());
            for route in routes.into_iter().flatten() {
                let gone = route.text("natGatewayId").is_some_and(|id| !self.is_available(id));
                if gone {
                    route.set("state", "blackhole");
                }
            }
        }
        Reply { body: answer.document().into_bytes(), ..reply }
    }

    /// The internet gateway attached to a VPC.
    pub(super) async fn attached_gateway(
        &self,
        region: &str,
        vpc: &str,
    ) -> Result<Option<String>, AwsError> {
        let params = [("Filter.1.Name", "attachment.vpc-id"), ("Filter.1.Value.1", vpc)];
        let answer = self.ask(region, "DescribeInternetGateways", &params).await?;
        let first = answer.items("internetGatewaySet").first();
        Ok(first.and_then(|item| item.text("internetGatewayId")).map(str::to_owned))
    }

    fn note(&self, call: &Call, answer: &Element, vpc: String, public: bool) -> (String, Nat) {
        let text = |name: &str| answer.find_text(name).map(str::to_owned);
        let id = text("natGatewayId").unwrap_or_default();
        let nat = Nat {
            region: call.region.clone(),
            vpc,
            subnet: call.form.get("SubnetId").unwrap_or_default().into(),
            public,
            association: text("associationId"),
            interface: text("networkInterfaceId"),
            state: State::Pending { until: Instant::now() + self.delays.nat_available },
        };
        self.hide(&id);
        let mut nats = self.nats.lock().expect("because no holder of the gateways panics");
        nats.insert(id.clone(), nat.clone());
        (id, nat)
    }

    /// Without an internet gateway AWS accepts the call and the gateway ends as failed, its
    /// address free again.
    async fn fail(&self, id: &str, nat: Nat) -> Result<(String, String), AwsError> {
        self.remove_from_moto(id, &nat).await?;
        let message = format!("Network {} has no Internet gateway attached", nat.vpc);
        let state = State::Failed { code: "Gateway.NotAttached", message: message.clone() };
        let mut nats = self.nats.lock().expect("because no holder of the gateways panics");
        nats.insert(id.into(), Nat { state, ..nat });
        Ok(("Gateway.NotAttached".into(), message))
    }

    /// moto keeps the address associated and the interface in place: both go with the gateway.
    async fn remove_from_moto(&self, id: &str, nat: &Nat) -> Result<(), AwsError> {
        if let Some(association) = &nat.association {
            let params = [("AssociationId", association.as_str())];
            self.ask(&nat.region, "DisassociateAddress", &params).await?;
        }
        self.ask(&nat.region, "DeleteNatGateway", &[("NatGatewayId", id)]).await?;
        if let Some(interface) = &nat.interface {
            let params = [("NetworkInterfaceId", interface.as_str())];
            self.ask(&nat.region, "DeleteNetworkInterface", &params).await?;
        }
        Ok(())
    }

    fn overlay(&self, item: &mut Element) {
        let nats = self.nats.lock().expect("because no holder of the gateways panics");
        let Some(nat) = item.text("natGatewayId").and_then(|id| nats.get(id)) else { return };
        item.set("state", nat.word());
        if let State::Failed { code, message } = &nat.state {
            item.set("failureCode", code);
            item.set("failureMessage", message);
        }
    }
}

fn passes(item: &Element, filter: &Filter) -> bool {
    let one_of = |text: Option<&str>| {
        text.is_some_and(|text| filter.values.iter().any(|value| value == text))
    };
    match filter.name.as_str() {
        "nat-gateway-id" => one_of(item.text("natGatewayId")),
        "state" => one_of(item.text("state")),
        "subnet-id" => one_of(item.text("subnetId")),
        "vpc-id" => one_of(item.text("vpcId")),
        "tag-key" => item.tags().iter().any(|(key, _)| one_of(Some(key))),
        name => name.strip_prefix("tag:").is_some_and(|wanted| {
            item.tags().iter().any(|(key, value)| key == wanted && one_of(Some(value)))
        }),
    }
}

fn not_found(id: &str) -> AwsError {
    AwsError::new(400, "NatGatewayNotFound", format!("The Nat Gateway {id} was not found"))
}
