//! DynamoDB keeps every promise of a state store, with moto as the witness.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use portcullis_aws::clients::Clients;
use portcullis_aws::config::{AwsAccess, TableName};
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::TestTable;
use portcullis_origin::conformance::state;
use portcullis_site::Name;
use portcullis_system::Moto;

#[tokio::test]
async fn dynamodb_keeps_every_promise_of_a_state_store() {
    let server = Moto::shared().unwrap();
    let environment = Environment::new(server.env(), "");
    let clients = Clients::new(&AwsAccess::read(&environment).unwrap());
    let table = TableName::new("portcullis").unwrap();
    let site = Name::new("handbook").unwrap();
    let fixture = TestTable::create(&clients, table.clone(), site.clone())
        .await
        .unwrap();
    state::run(&clients.state(table, site), &fixture).await;
}
