use capstan_model::{Version, VersionRange};
use regex::Regex;

/// Media type of the layer that holds a Helm chart.
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// The newest tag in a range of versions.
///
/// Helm writes the `+` of a version as `_`, because a tag can hold none.
///
/// # Errors
/// A sentence that says why there is none.
pub(crate) fn newest(
    tags: &[String],
    range: &str,
    filter: Option<&str>,
    media_type: Option<&str>,
) -> Result<String, String> {
    let filter = filter.filter(|text| !text.is_empty()).map(Regex::new).transpose();
    let filter = filter.map_err(|error| format!("spec.ref.semverFilter is wrong: {error}"))?;
    let wanted = VersionRange::parse(range)
        .map_err(|error| format!("semver '{range}' parse error: {error}"))?;
    let is_chart = media_type == Some(CHART);
    let version = |tag: &String| {
        let text = if is_chart { tag.replace('_', "+") } else { tag.clone() };
        Some((Version::parse(&text)?, tag.clone()))
    };
    let matching = tags
        .iter()
        .filter(|tag| filter.as_ref().is_none_or(|filter| filter.is_match(tag)))
        .filter_map(version)
        .filter(|(version, _)| wanted.contains(version));
    let newest = matching.max_by(|(a, _), (b, _)| a.cmp(b));
    newest.map(|(_, tag)| tag).ok_or_else(|| format!("no match found for semver: {range}"))
}

#[cfg(test)]
mod tests {
    use super::{CHART, newest};

    fn tags(list: &[&str]) -> Vec<String> {
        list.iter().map(|&tag| tag.to_owned()).collect()
    }

    #[test]
    fn the_newest_in_the_range_counts() {
        let all = tags(&["latest", "6.0.0", "v6.1.0", "6.1.2-rc.1", "5.9.9", "7.0.0"]);
        let found = |range, filter| newest(&all, range, filter, None);
        assert_eq!(found("6.x", None), Ok("v6.1.0".to_owned()));
        assert_eq!(found(">=6.0.0-0 <7", Some("-rc")), Ok("6.1.2-rc.1".to_owned()));
        assert_eq!(found("*", Some("^6")), Ok("6.0.0".to_owned()));
        let none = "no match found for semver: 8.x".to_owned();
        assert_eq!(found("8.x", None), Err(none));
        assert!(found("not a range", None).is_err() && found("*", Some("(")).is_err());
    }

    #[test]
    fn a_charts_build_metadata_is_found() {
        let all = tags(&["1.0.0_build.1"]);
        assert_eq!(newest(&all, "1.x", None, Some(CHART)), Ok("1.0.0_build.1".to_owned()));
        assert!(newest(&all, "1.x", None, None).is_err());
    }
}
