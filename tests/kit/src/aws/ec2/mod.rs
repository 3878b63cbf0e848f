//! EC2: moto's, with the edges between resources that AWS enforces and moto does not.

mod deletes;
mod nat;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::error::{AwsError, Reply};
use super::moto::Moto;
use super::route::Call;
use super::xml::Element;

pub(crate) use view::{Network, SubnetFacts};

/// What EKS holds in the network, which EC2 must not delete.
pub(crate) trait Holds: Send + Sync {
    /// Names who uses the subnet (a cluster or a node group), if anybody does.
    fn of_subnet(&self, region: &str, subnet: &str) -> Option<String>;
    /// Names who uses the security group, if anybody does.
    fn of_security_group(&self, region: &str, group: &str) -> Option<String>;
}

/// How long EC2 takes for what moto does at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delays {
    pub(crate) nat_available: Duration,
    pub(crate) nat_deleted: Duration,
    pub(crate) visible: Duration,
}

/// The EC2 part of the stand-in.
pub(crate) struct Ec2 {
    moto: Arc<Moto>,
    delays: Delays,
    nats: Mutex<HashMap<String, nat::Nat>>,
    tokens: Mutex<HashMap<TokenKey, Performed>>,
    /// When what was created recently becomes visible, by id.
    hidden: Mutex<HashMap<String, Instant>>,
    /// Look and act are one step: changes come one at a time.
    changes: tokio::sync::Mutex<()>,
    settling: tokio::sync::Mutex<()>,
}

/// Region, action, token.
type TokenKey = (String, String, String);

struct Performed {
    params: Vec<(String, String)>,
    reply: Reply,
}

impl Ec2 {
    pub(crate) fn new(moto: Arc<Moto>, delays: Delays) -> Self {
        Self {
            moto,
            delays,
            nats: Mutex::default(),
            tokens: Mutex::default(),
            hidden: Mutex::default(),
            changes: tokio::sync::Mutex::default(),
            settling: tokio::sync::Mutex::default(),
        }
    }

    /// Answers an EC2 call.
    pub(crate) async fn serve(&self, call: &Call, holds: &dyn Holds) -> Result<Reply, AwsError> {
        if call.reads() {
            self.settle().await?;
            return self.read(call).await;
        }
        let _one_at_a_time = self.changes.lock().await;
        self.settle().await?;
        if let Some(reply) = self.performed(call)? {
            return Ok(reply);
        }
        let reply = self.change(call, holds).await?;
        self.remember(call, &reply);
        Ok(reply)
    }

    async fn read(&self, call: &Call) -> Result<Reply, AwsError> {
        match call.action.as_str() {
            "DescribeNatGateways" => self.describe_nats(call).await,
            "DescribeRouteTables" => {
                self.visible(call, self.with_blackholes(self.moto.forward(call).await?))
            }
            _ => self.visible(call, self.moto.forward(call).await?),
        }
    }

    async fn change(&self, call: &Call, holds: &dyn Holds) -> Result<Reply, AwsError> {
        match call.action.as_str() {
            "CreateNatGateway" => return self.create_nat(call).await,
            "DeleteNatGateway" => return self.delete_nat(call).await,
            "CreateRoute" | "ReplaceRoute" => self.check_route(call).await?,
            _ => self.check_delete(call, holds).await?,
        }
        let reply = self.moto.forward(call).await?;
        if reply.error.is_none() {
            self.after(call, &reply).await?;
        }
        Ok(reply)
    }

    async fn after(&self, call: &Call, reply: &Reply) -> Result<(), AwsError> {
        if call.action == "DeleteSubnet" {
            self.drop_associations(&call.region, call.form.get("SubnetId").unwrap_or("")).await?;
        }
        if let Some(id) = view::created(&call.action)
            && let Some(id) = reply.xml().as_ref().and_then(|answer| answer.find_text(id))
        {
            self.hide(id);
        }
        Ok(())
    }

    /// Asks moto's EC2 as the stand-in itself.
    async fn ask(
        &self,
        region: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<Element, AwsError> {
        self.moto.query("ec2", region, action, params).await
    }

    /// The answer to an earlier call with this client token.
    fn performed(&self, call: &Call) -> Result<Option<Reply>, AwsError> {
        let Some(key) = token_key(call) else { return Ok(None) };
        let tokens = self.tokens.lock().expect("because no holder of the tokens panics");
        match tokens.get(&key) {
            None => Ok(None),
            Some(earlier) if earlier.params == comparable(call) => Ok(Some(earlier.reply.clone())),
            Some(_) => Err(AwsError::new(
                400,
                "IdempotentParameterMismatch",
                format!("the client token {} was used with other parameters", key.2),
            )),
        }
    }

    fn remember(&self, call: &Call, reply: &Reply) {
        if let Some(key) = token_key(call).filter(|_| reply.status < 400) {
            let performed = Performed { params: comparable(call), reply: reply.clone() };
            let mut tokens = self.tokens.lock().expect("because no holder of the tokens panics");
            tokens.insert(key, performed);
        }
    }

    fn hide(&self, id: &str) {
        if !self.delays.visible.is_zero() {
            let until = Instant::now() + self.delays.visible;
            let mut hidden = self.hidden.lock().expect("because no holder panics");
            hidden.insert(id.into(), until);
        }
    }

    fn is_hidden(&self, id: &str) -> bool {
        let hidden = self.hidden.lock().expect("because no holder panics");
        hidden.get(id).is_some_and(|until| Instant::now() < *until)
    }

    /// Leaves out of a description what was created too recently to be seen.
    fn visible(&self, call: &Call, reply: Reply) -> Result<Reply, AwsError> {
        let Some(set) = view::described(&call.action) else { return Ok(reply) };
        if self.delays.visible.is_zero() || reply.error.is_some() {
            return Ok(reply);
        }
        if let Some(id) = call.form.list(set.parameter).into_iter().find(|id| self.is_hidden(id)) {
            return Err(set.not_found(id));
        }
        let Some(mut answer) = reply.xml() else { return Ok(reply) };
        if let Some(list) = answer.find_mut(set.list) {
            list.children.retain(|item| !item.text(set.id).is_some_and(|id| self.is_hidden(id)));
        }
        Ok(Reply { body: answer.document().into_bytes(), ..reply })
    }
}

fn token_key(call: &Call) -> Option<TokenKey> {
    let token = call.form.get("ClientToken").filter(|token| !token.is_empty())?;
    Some((call.region.clone(), call.action.clone(), token.into()))
}

fn comparable(call: &Call) -> Vec<(String, String)> {
    let mut params = call.form.0.clone();
    params.sort();
    params
}
