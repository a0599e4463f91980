//! The security checklist: each row has a test, or a line in the README that says why not.

/// Where a row is tested: a file and the name of a test in it, which carries the number in its name or in
/// the comment above it. `None`: the README says why not.
const ROWS: [(u8, Option<(&str, &str)>); 51] = [
    (1, Some(("tests/integration/routes.rs", "without_a_token_nothing_is_answered_but_health"))),
    (2, Some(("tests/security/tls.rs", "row_2_beyond_this_machine_there_is_tls_or_somebody_insists"))),
    (3, Some(("tests/security/front.rs", "row_3_other_names_are_misdirected_whatever_a_proxy_says"))),
    (
        4,
        Some((
            "tests/integration/websocket.rs",
            "a_websocket_needs_credentials_and_a_session_needs_our_origin",
        )),
    ),
    (5, Some(("tests/security/front.rs", "row_5_no_page_of_others_may_read_unless_its_origin_was_named"))),
    (6, Some(("tests/integration/browser.rs", "a_session_is_for_pages_of_the_same_origin"))),
    (7, Some(("tests/security/canary.rs", "row_7_looking_changes_nothing"))),
    (8, Some(("tests/identity/namespaces.rs", "nothing_that_can_be_done_reaches_another_namespace"))),
    (9, Some(("tests/security/front.rs", "row_9_odd_paths_lead_nowhere"))),
    (10, Some(("tests/security/canary.rs", "row_10_everything_in_the_home_is_for_its_owner_alone"))),
    (
        11,
        Some((
            "tests/security/canary.rs",
            "rows_11_and_27_values_of_the_environment_are_in_no_byte_that_anybody_is_sent",
        )),
    ),
    (12, Some(("src/auth/tests.rs", "no_token_session_id_or_code_is_in_the_files_of_the_store"))),
    (13, Some(("tests/identity/namespaces.rs", "a_websocket_and_a_stream_of_logs_end_with_their_token"))),
    (
        14,
        Some((
            "src/auth/confusion.rs",
            "a_token_with_another_header_is_refused_although_the_signature_is_right",
        )),
    ),
    (15, Some(("tests/identity/users.rs", "what_is_no_password_is_refused_and_none_is_ever_an_argument"))),
    (16, Some(("tests/identity/users.rs", "after_some_failures_one_has_to_wait_and_others_have_not"))),
    (
        17,
        Some((
            "tests/security/tls.rs",
            "row_19_and_20_tls_is_spoken_with_the_names_and_cookies_that_belong_to_it",
        )),
    ),
    (18, Some(("tests/integration/routes.rs", "every_answer_has_the_security_headers"))),
    (19, Some(("tests/security/front.rs", "row_19_plain_http_says_nothing_of_transport_security"))),
    (
        20,
        Some((
            "tests/security/tls.rs",
            "row_20_a_new_certificate_is_used_within_moments_and_nobody_is_refused",
        )),
    ),
    (21, Some(("tests/security/slow.rs", "row_21_and_24_slow_clients_are_closed_within_11_seconds"))),
    (
        22,
        Some((
            "tests/security/slow.rs",
            "row_22_a_thousand_slow_clients_slow_nobody_down_and_the_unix_socket_always_answers",
        )),
    ),
    (23, Some(("tests/security/front.rs", "row_23_long_and_deep_requests_are_refused_with_a_problem"))),
    (24, Some(("tests/security/slow.rs", "row_21_and_24_slow_clients_are_closed_within_11_seconds"))),
    (25, Some(("tests/security/definitions.rs", "row_25_only_admins_have_log_files_anywhere"))),
    (26, Some(("tests/security/canary.rs", "row_10_everything_in_the_home_is_for_its_owner_alone"))),
    (
        27,
        Some((
            "tests/security/canary.rs",
            "rows_11_and_27_values_of_the_environment_are_in_no_byte_that_anybody_is_sent",
        )),
    ),
    (28, Some(("tests/identity/audit.rs", "a_database_that_somebody_altered_is_found_out"))),
    (29, Some(("src/own_log.rs", "row_29_an_event_is_one_line_whatever_is_told_in_it"))),
    (30, Some(("tests/security/front.rs", "row_30_no_shell_reads_what_is_sent"))),
    (
        31,
        Some((
            "tests/security/definitions.rs",
            "row_31_only_admins_have_other_code_loaded_into_what_runs_as_root",
        )),
    ),
    (32, Some(("tests/slices/limits.rs", "an_app_runs_as_another_user_with_its_groups_home_and_outputs"))),
    (
        33,
        Some((
            "tests/security/definitions.rs",
            "row_33_root_runs_nothing_that_others_can_change_unless_told",
        )),
    ),
    (34, Some(("tests/slices/limits.rs", "row_34_who_gave_rights_up_gets_none_back"))),
    (35, Some(("tests/options/trees.rs", "a8_nobody_survives_a_stop_with_cgroups_and_without"))),
    (
        36,
        Some((
            "tests/alert/delivery.rs",
            "row_36_no_redirect_is_followed_and_neither_metadata_nor_this_machine_is_reached",
        )),
    ),
    (
        37,
        Some((
            "tests/alert/delivery.rs",
            "row_37_a_webhook_is_signed_and_a_tampered_or_old_one_is_told_from_it",
        )),
    ),
    (38, Some(("src/dashboard/row.rs", "foreign_text_is_escaped_and_ignored_by_htmx"))),
    (39, Some(("tests/log_read/query.rs", "a_download_is_a_file_that_nobody_opens_as_a_page"))),
    (40, Some(("src/api/login.rs", "after_login_one_stays_on_this_server"))),
    (41, Some(("src/logs/ansi.rs", "whatever_is_written_no_escape_is_left"))),
    (42, Some(("tests/identity/login.rs", "a_token_is_not_sent_over_an_open_network_nor_to_somebody_else"))),
    (43, Some(("tests/security/front.rs", "row_3_other_names_are_misdirected_whatever_a_proxy_says"))),
    (44, None),
    (45, Some(("tests/security/rows.rs", "row_45_every_parser_of_what_others_send_is_fuzzed_in_every_run"))),
    (46, None),
    (47, Some(("tests/e2e/survive.rs", "services_do_not_notice_the_end_of_the_daemon"))),
    (48, Some(("src/cli/doctor/home.rs", "a_secret_that_others_can_read_is_serious_and_the_remedy_helps"))),
    (49, Some(("tests/security/tls.rs", "row_2_beyond_this_machine_there_is_tls_or_somebody_insists"))),
    (50, Some(("tests/integration/browser.rs", "a_login_link_works_once"))),
    (
        51,
        Some(("tests/security/front.rs", "row_51_the_unix_socket_is_for_its_owner_and_asks_for_a_token_too")),
    ),
];

#[test]
fn every_row_of_the_security_checklist_has_a_test_or_a_line_that_says_why_not() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut wrong = Vec::new();
    for (index, (row, test)) in ROWS.into_iter().enumerate() {
        assert_eq!(usize::from(row), index + 1);
        let told = readme.contains(&format!("Row {row}:"));
        let carried = test.map(|(file, name)| {
            let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            text.split_once(&format!("fn {name}(")).map(|(before, _)| {
                let above = before.rsplit("\n\n").next().unwrap_or_default();
                numbers(name).contains(&row)
                    || (above.contains("of the security checklist") && numbers(above).contains(&row))
            })
        });
        match carried {
            Some(Some(true)) => {}
            Some(Some(false)) => {
                wrong.push(format!("row {row}: its test {test:?} does not carry the number"))
            }
            Some(None) => wrong.push(format!("row {row}: its test {test:?} is not there")),
            None if told => {}
            None => wrong.push(format!("row {row} has neither a test nor a line in the README")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// All numbers in a text.
fn numbers(text: &str) -> Vec<u8> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[test]
fn row_45_every_parser_of_what_others_send_is_fuzzed_in_every_run() {
    let read = |path: &str| {
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    };
    let (targets, fuzz, all) = (read("tests/fuzz/fuzz.rs"), read("tests/fuzz/run"), read("tests/run"));
    assert!(all.contains("run \"fuzzing\" tests/fuzz/run"), "tests/run does not fuzz");
    for name in ["names", "selectors", "ansi", "cursors", "importers", "sockets", "keeper"] {
        assert!(targets.contains(&format!("(\"{name}\", {name}::check)")), "{name} is no target");
        assert!(fuzz.contains(&format!(" {name}")), "{name} is not run");
    }
}
