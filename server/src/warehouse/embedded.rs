//! The project's files, compiled into the binary.

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../warehouse/", $path)))),+]
    };
}

/// Path within `server/warehouse/` and content. A test compares the list with the folder.
pub(super) const FILES: &[(&str, &str)] = files![
    "dbt_project.yml",
    "macros/generate_schema_name.sql",
    "macros/last_close.sql",
    "macros/sector.sql",
    "macros/tests.sql",
    "models/marts/allocation.sql",
    "models/marts/holdings.sql",
    "models/marts/portfolio_daily.sql",
    "models/marts/schema.yml",
    "models/marts/unit_tests.yml",
    "models/sources.yml",
    "models/staging/broker_cash.sql",
    "models/staging/broker_positions.sql",
    "models/staging/dividends.sql",
    "models/staging/exchange_rates.sql",
    "models/staging/instruments.sql",
    "models/staging/prices.sql",
    "models/staging/risk_free_rates.sql",
    "models/staging/schema.yml",
    "models/staging/splits.sql",
    "models/staging/transactions.sql",
    "models/staging/unit_tests.yml",
    "tests/every_session_is_there.sql",
    "tests/gain_is_explained.sql",
    "tests/holdings_add_up_to_the_value.sql",
    "tests/weights_add_up_to_one.sql",
];

#[cfg(test)]
mod tests {
    use super::FILES;
    use std::path::Path;

    #[test]
    fn every_file_of_the_project_is_in_the_binary() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("warehouse");
        let mut there = vec!["dbt_project.yml".to_owned()];
        for folder in ["macros", "models", "models/staging", "models/marts", "tests"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    there.push(format!("{folder}/{}", entry.file_name().to_str().unwrap()));
                }
            }
        }
        there.sort();
        assert_eq!(FILES.iter().map(|(path, _)| *path).collect::<Vec<_>>(), there, "name new files in embedded.rs");
    }

    #[test]
    fn every_model_and_test_states_its_grain_first() {
        for (path, text) in FILES {
            let grain = match path.split('/').next() {
                Some("models") if path.ends_with(".sql") => "-- One row per ",
                Some("tests") => "-- Rows: ",
                _ => continue,
            };
            assert!(text.starts_with(grain), "{path} must begin with “{grain}…”");
        }
    }

    #[test]
    fn staging_never_joins() {
        for (path, text) in FILES {
            assert!(!path.starts_with("models/staging/") || !text.contains(" join "), "{path}: join in marts");
        }
    }
}
