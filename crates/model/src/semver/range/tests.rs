use super::{Version, VersionRange};

fn found(range: &str, version: &str) -> bool {
    let version = Version::parse(version).expect("a version");
    VersionRange::parse(range).expect("a range").contains(&version)
}

#[test]
fn ranges_hold_what_masterminds_holds() {
    for (range, inside, outside) in [
        ("1.2.3", &["1.2.3", "v1.2.3+b"][..], &["1.2.4", "1.2.3-a"][..]),
        ("*", &["0.0.0", "7.1.2"], &["1.0.0-rc.1"]),
        (">=1.0.0-0", &["1.0.0-rc.1", "2.0.0"], &["0.9.9"]),
        ("1.x", &["1.0.0", "1.9.9"], &["2.0.0", "0.9.0"]),
        ("1.2", &["1.2.0", "1.2.9"], &["1.3.0"]),
        ("~1.2.3", &["1.2.3", "1.2.9"], &["1.2.2", "1.3.0"]),
        ("~1", &["1.0.0", "1.9.0"], &["2.0.0"]),
        ("~>1.2", &["1.2.0"], &["1.3.0"]),
        ("~0.0.0", &["5.0.0"], &[]),
        ("^1.2.3", &["1.2.3", "1.9.0"], &["1.2.2", "2.0.0"]),
        ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "1.0.0"]),
        ("^0.0.3", &["0.0.3"], &["0.0.4"]),
        ("^0.0", &["0.0.9"], &["0.1.0"]),
        ("^0", &["0.9.0"], &["1.0.0"]),
        ("^*", &["0.0.0"], &["1.0.0"]),
        (">11", &["12.0.0"], &["11.1.0", "11.0.0"]),
        (">11.1", &["11.2.0"], &["11.1.1"]),
        ("<=11", &["11.9.0", "1.0.0"], &["12.0.0"]),
        ("=<11.1", &["11.1.9"], &["11.2.0"]),
        ("!=1.2", &["1.3.0", "2.0.0"], &["1.2.0", "1.2.9"]),
        ("!=1.x", &["2.0.0"], &["1.9.0"]),
        (">= 1.2, < 1.4", &["1.2.0", "1.3.9"], &["1.4.0"]),
        (">=1.2 <1.4 || 2.0.1", &["1.3.0", "2.0.1"], &["2.0.0"]),
        ("1.2 - 1.4", &["1.2.0", "1.4.9"], &["1.5.0"]),
        ("1.2.0-rc.1 - 1.2.0", &["1.2.0-rc.2", "1.2.0"], &["1.2.0-beta"]),
        (">=2024.01.1", &["2025.02.03"], &["2023.12.31"]),
    ] {
        for version in inside {
            assert!(found(range, version), "{range} {version}");
        }
        for version in outside {
            assert!(!found(range, version), "{range} {version}");
        }
    }
}

#[test]
fn what_is_no_range_is_refused() {
    let (long, many) = ("1".repeat(513), vec!["1"; 33].join("||"));
    for (text, said) in [
        ("", "improper constraint: \"\""),
        ("main", "improper constraint: \"main\""),
        ("1 ||", "improper constraint: \"\""),
        (">=1<2", "improper constraint: \">=1<2\""),
        ("1,", "improper constraint: \"1,\""),
        (">>1", "improper constraint: \">>1\""),
        ("12x", "improper constraint: \"12x\""),
        ("1.2.3.4", "improper constraint: \"1.2.3.4\""),
        (&long, "constraint string is too long (max 512 bytes)"),
        (&many, "too many constraint groups (max 32)"),
    ] {
        let error = VersionRange::parse(text).expect_err(text);
        assert_eq!(error.to_string(), said);
    }
}
