//! The `Resource` globs of custom policies.

use portcullis_signed_access::resource_matches;
use portcullis_suite::hold_all;

#[test]
fn vectors_resource_match() {
    hold_all("resource_match", |case| {
        let text = |name: &str| case[name].as_str().ok_or(format!("no {name}"));
        let expected = case["match"].as_bool().ok_or("no match")?;
        let found = resource_matches(text("resource")?, text("url")?);
        if found == expected {
            Ok(())
        } else {
            Err(format!("matched: {found}"))
        }
    });
}
