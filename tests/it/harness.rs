//! What the harness keeps for every module, shown with `grafana_folder`.

use serde_json::json;

use crate::support::stand_in;

#[test]
fn a_wrong_password_is_tried_once() {
    let server = stand_in(sandbox::Config::default());
    let _ = json!({});
    server.forget_requests();
}
