//! Texts and the trees they become; texts that are refused and the rule that refuses them.

use super::{BYTES_MAX, Kind, NODES_MAX, Value, parse};
use crate::fault::{Faults, Rule};

fn read(text: &[u8]) -> Result<Value, (Rule, u32, u32)> {
    let faults = Faults::default();
    let value = parse(text, &faults);
    faults
        .end(value)
        .map_err(|f| (f[0].rule, f[0].line, f[0].column))
}

fn shown(value: &Value) -> String {
    match &value.kind {
        Kind::Text { text, plain: true } => text.clone(),
        Kind::Text { text, plain: false } => format!("{text:?}"),
        Kind::List(items) => format!(
            "[{}]",
            items.iter().map(shown).collect::<Vec<_>>().join(",")
        ),
        Kind::Map(members) => {
            let shown = members
                .iter()
                .map(|m| format!("{}:{}", m.key, shown(&m.value)));
            format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
        }
        Kind::Unresolved => "?".to_owned(),
    }
}

#[test]
fn json_and_yaml_become_one_tree() {
    for (text, tree) in [
        (
            r#"{"a":1,"b":["x",true,null]}"#,
            r#"{a:1,b:["x",true,null]}"#,
        ),
        (
            "{\n\t\"a\": {\n\t\t\"b\": \"c\\u00e9\\/\"\n\t}\n}\n",
            r#"{a:{b:"cé/"}}"#,
        ),
        ("a: !Ref B", "{a:{Ref:B}}"),
        ("a: !GetAtt B.Arn.X", r#"{a:{Fn::GetAtt:["B","Arn.X"]}}"#),
        (
            "a: !If [c, !Sub \"x${y}\", !Ref AWS::NoValue]",
            r#"{a:{Fn::If:[c,{Fn::Sub:"x${y}"},{Ref:AWS::NoValue}]}}"#,
        ),
        (
            "a: !Join\n  - ','\n  - - b\n    - !ImportValue c\n",
            r#"{a:{Fn::Join:[",",[b,{Fn::ImportValue:c}]]}}"#,
        ),
        ("a: !Condition b", "{a:{Condition:b}}"),
        ("a: !!str 1", r#"{a:"1"}"#),
        ("\u{feff}a: 1", "{a:1}"),
        ("a: &x 1", "{a:1}"),
    ] {
        let value = read(text.as_bytes()).map(|v| shown(&v));
        assert_eq!(value, Ok(tree.to_owned()), "{text}");
    }
}

#[test]
fn hostile_and_broken_texts_are_refused_by_rule() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let nested = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
    let wide = format!("[{}]", "1,".repeat(NODES_MAX));
    let large = " ".repeat(BYTES_MAX + 1);
    for (text, rule) in [
        ("", Rule::Syntax),
        ("{", Rule::Syntax),
        ("a: &x 1\nb: *x", Rule::Syntax),
        ("a: 1\na: 2", Rule::Syntax),
        ("a: !Exec b", Rule::Syntax),
        ("a: 1\n---\nb: 2", Rule::Syntax),
        ("[a]: 1", Rule::Syntax),
        ("%YAML 1.2\n---\na: 1", Rule::Syntax),
        (&deep, Rule::Limit),
        (&nested, Rule::Limit),
        (&wide, Rule::Limit),
        (&large, Rule::Limit),
    ] {
        let refused = read(text.as_bytes()).map_err(|(rule, ..)| rule);
        assert_eq!(
            refused,
            Err(rule),
            "{}",
            text.chars().take(40).collect::<String>()
        );
    }
    assert_eq!(read(b"a: \xff"), Err((Rule::Syntax, 1, 1)));
}

#[test]
fn values_know_their_places() {
    let value = read(b"{\n  \"a\": [1,\n    {\"b\": 2}]}").unwrap();
    let item = &value.get("a").unwrap().items()[1];
    assert_eq!((item.at.line, item.at.column), (3, 5));
    assert_eq!(read(b"a: 1\na: 2"), Err((Rule::Syntax, 2, 1)));
}
