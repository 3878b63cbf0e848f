//! What `status.atProvider` of a table shows.

use capstan_cloud::aws_sdk_dynamodb::types::TableDescription;

use super::types::{
    ArchivalSummary, BillingModeSummary, RestoreSummary, SseDescription, Status, TableClassSummary,
};
use crate::aws::rfc3339;

/// A table as the manifest's readers know it.
pub(super) fn status(table: &TableDescription) -> Status {
    Status {
        archival_summary: table.archival_summary().map(|seen| ArchivalSummary {
            archival_backup_arn: seen.archival_backup_arn.clone(),
            archival_date_time: seen.archival_date_time.as_ref().and_then(rfc3339),
            archival_reason: seen.archival_reason.clone(),
        }),
        billing_mode_summary: table.billing_mode_summary().map(|seen| BillingModeSummary {
            billing_mode: seen.billing_mode().map(|mode| mode.as_str().to_owned()),
            last_update_to_pay_per_request_date_time: seen
                .last_update_to_pay_per_request_date_time
                .as_ref()
                .and_then(rfc3339),
        }),
        creation_date_time: table.creation_date_time.as_ref().and_then(rfc3339),
        global_table_version: table.global_table_version.clone(),
        item_count: table.item_count,
        latest_stream_arn: table.latest_stream_arn.clone(),
        latest_stream_label: table.latest_stream_label.clone(),
        restore_summary: table.restore_summary().map(|seen| RestoreSummary {
            restore_date_time: rfc3339(&seen.restore_date_time),
            restore_in_progress: Some(seen.restore_in_progress),
            source_backup_arn: seen.source_backup_arn.clone(),
            source_table_arn: seen.source_table_arn.clone(),
        }),
        sse_description: table.sse_description().map(|seen| SseDescription {
            inaccessible_encryption_date_time: seen
                .inaccessible_encryption_date_time
                .as_ref()
                .and_then(rfc3339),
            kms_master_key_arn: seen.kms_master_key_arn.clone(),
            sse_type: seen.sse_type().map(|kind| kind.as_str().to_owned()),
            status: seen.status().map(|status| status.as_str().to_owned()),
        }),
        table_arn: table.table_arn.clone(),
        table_class_summary: table.table_class_summary().map(|seen| TableClassSummary {
            last_update_date_time: seen.last_update_date_time.as_ref().and_then(rfc3339),
            table_class: seen.table_class().map(|class| class.as_str().to_owned()),
        }),
        table_id: table.table_id.clone(),
        table_name: table.table_name.clone(),
        table_size_bytes: table.table_size_bytes,
        table_status: table.table_status().map(|status| status.as_str().to_owned()),
    }
}
