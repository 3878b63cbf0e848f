use super::{canonical, of_value};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn the_largest_suffix_without_a_fraction_is_printed() {
    for (written, printed) in [
        ("0", "0"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("1000m", "1"),
        ("100000m", "100"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("512Ki", "512Ki"),
        ("1000000k", "1G"),
        ("-2000m", "-2"),
        ("1e3", "1e3"),
        ("10e2", "1e3"),
        ("12E6", "12E6"),
        ("1E", "1E"),
        ("8Ei", "9223372036854775807"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ] {
        assert_eq!(canonical(written).as_deref(), Ok(printed), "{written}");
    }
}

/// Go keeps the text of a number that it thinks canonical, though it is not quite so.
#[test]
fn some_spellings_stay() {
    for text in ["1.500", "+5", "00100m", "1023Ki", "1.0k"] {
        let printed = canonical(text);
        let kept = printed.as_deref() == Ok(text);
        assert_eq!(kept, text != "1.0k", "{text} gave {printed:?}");
    }
}

#[test]
fn what_is_too_fine_is_rounded_up() {
    for (written, printed) in
        [("0.1n", "1n"), ("1e-20", "1e-9"), ("1.0000000001", "1000000001n"), ("0.1Ki", "102400m")]
    {
        assert_eq!(canonical(written).as_deref(), Ok(printed), "{written}");
    }
}

#[test]
fn what_is_no_quantity_is_refused() {
    for text in [
        "", "1 Gi", "1.1.1", "1K", "1i", "e", "0x10", "1_000", "Infinity", "5+3", "1Kii", "e-20",
        "ä",
    ] {
        assert!(canonical(text).is_err(), "{text}");
    }
    for text in ["9".repeat(100_000), format!("{}e1000000000", "9".repeat(19))] {
        assert!(canonical(&text).is_err());
    }
}

#[test]
fn a_number_is_a_quantity() {
    for (value, printed) in [
        (json!(2), "2"),
        (json!(0.5), "500m"),
        (json!(1e21), "1e+21"),
        (json!(1e-7), "100e-9"),
        (json!(" 1Gi "), "1Gi"),
    ] {
        assert_eq!(of_value(&value).as_deref(), Ok(printed), "{value}");
    }
    for value in [json!(true), json!({}), json!([]), Value::Null, json!("1\n")] {
        assert!(of_value(&value).is_err(), "{value}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_a_printed_form_is_final(text in "[-+]?[0-9.]{0,24}([eE][-+]?[0-9]{0,3}|[numkMGTPE]i?)?") {
        if let Ok(printed) = canonical(&text) {
            prop_assert_eq!(canonical(&printed), Ok(printed.clone()));
        }
    }
}
