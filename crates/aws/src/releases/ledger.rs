//! The ledger of a site in DynamoDB.

use crate::config::TableName;
use crate::dynamodb::{KEY, key, release_attribute};
use crate::failure::Failure;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use aws_smithy_types::error::operation::BuildError;
use portcullis_release::ledger::Ledger;
use portcullis_release::port::{LedgerPort, PortError, Written};
use portcullis_site::Name;
use std::collections::HashMap;

/// What follows a site's name in the key of its ledger. No name has a slash.
const SUFFIX: &str = "/releases";
/// The attribute with the ledger.
const LEDGER: &str = "ledger";
/// The code of a condition that did not hold.
const CONDITION: &str = "ConditionalCheckFailed";

type Item = HashMap<String, AttributeValue>;

/// The ledger of one site.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    table: TableName,
    site: Name,
}

impl DynamoLedger {
    pub(crate) fn new(client: Client, table: TableName, site: Name) -> Self {
        Self {
            client,
            table,
            site,
        }
    }

    fn own_key(&self) -> AttributeValue {
        AttributeValue::S(format!("{}{SUFFIX}", self.site))
    }

    async fn item(&self, own: AttributeValue) -> Result<Option<Item>, PortError> {
        let asked = self.client.get_item().table_name(self.table.as_str());
        let sent = asked.key(KEY, own).consistent_read(true).send().await;
        let output = sent.map_err(|error| Failure::of("dynamodb:GetItem", &error))?;
        Ok(output.item)
    }

    fn stateless(&self) -> PortError {
        PortError::Unavailable(format!(
            "table `{}` has no state of site `{}`; deploy the site first",
            self.table.as_str(),
            self.site
        ))
    }

    /// The item of the ledger, if it has the version that was read.
    fn put(&self, expected: u64, ledger: &Ledger) -> Result<TransactWriteItem, PortError> {
        let json = ledger
            .to_json()
            .map_err(|why| PortError::Malformed(why.to_string()))?;
        let json = String::from_utf8(json).map_err(|why| PortError::Malformed(why.to_string()))?;
        let put = Put::builder()
            .table_name(self.table.as_str())
            .item(KEY, self.own_key())
            .item(LEDGER, AttributeValue::S(json))
            .item("version", AttributeValue::N(ledger.version.to_string()))
            .expression_attribute_names("#version", "version");
        let put = match expected {
            0 => put.condition_expression("attribute_not_exists(#version)"),
            _ => put
                .condition_expression("#version = :expected")
                .expression_attribute_values(":expected", AttributeValue::N(expected.to_string())),
        };
        Ok(TransactWriteItem::builder()
            .put(put.build().map_err(odd)?)
            .build())
    }

    /// The part of the state that gateways poll.
    fn update(&self, ledger: &Ledger) -> Result<TransactWriteItem, PortError> {
        let release = release_attribute(&ledger.serving());
        let release = release.map_err(|why| PortError::Malformed(why.to_string()))?;
        let update = Update::builder()
            .table_name(self.table.as_str())
            .key(KEY, key(&self.site))
            .update_expression("SET #release = :release")
            .condition_expression("attribute_exists(#key)")
            .expression_attribute_names("#release", "release")
            .expression_attribute_names("#key", KEY)
            .expression_attribute_values(":release", release);
        Ok(TransactWriteItem::builder()
            .update(update.build().map_err(odd)?)
            .build())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives it by value")]
fn odd(why: BuildError) -> PortError {
    PortError::Malformed(why.to_string())
}

impl LedgerPort for DynamoLedger {
    async fn load(&self) -> Result<Ledger, PortError> {
        let Some(item) = self.item(self.own_key()).await? else {
            // The first release needs a state to go live in.
            return match self.item(key(&self.site)).await? {
                Some(_) => Ok(Ledger::default()),
                None => Err(self.stateless()),
            };
        };
        let text = item.get(LEDGER).and_then(|value| value.as_s().ok());
        let text = text.ok_or_else(|| PortError::Malformed("the item has no ledger".to_owned()))?;
        Ledger::from_json(text.as_bytes()).map_err(|why| PortError::Malformed(why.to_string()))
    }

    async fn store(&self, expected: u64, ledger: &Ledger) -> Result<Written, PortError> {
        let items = vec![self.put(expected, ledger)?, self.update(ledger)?];
        let asked = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items));
        let Err(error) = asked.send().await else {
            return Ok(Written::Yes);
        };
        let reasons = match &error {
            SdkError::ServiceError(service) => match service.err() {
                TransactWriteItemsError::TransactionCanceledException(why) => why
                    .cancellation_reasons()
                    .iter()
                    .map(|reason| reason.code() == Some(CONDITION))
                    .collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        match reasons[..] {
            [true, ..] => Ok(Written::Conflict),
            [false, true] => Err(self.stateless()),
            _ => Err(Failure::of("dynamodb:TransactWriteItems", &error).into()),
        }
    }
}
