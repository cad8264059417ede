//! Rules of people's own: tried before they are kept, kept as versions, administrators' alone.

use super::{House, PASSWORD, refused};
use crate::{
    market::{count, sql, text},
    visitor::{Visitor, site},
};
use app::{error::AppError, quality::model::RuleForm};
use sqlx::PgPool;

fn above(price: &str) -> RuleForm {
    RuleForm {
        name: "closes_are_below".into(),
        dataset: "bars".into(),
        kind: "range".into(),
        columns: "close".into(),
        parameters: format!("max: {price}"),
        ..RuleForm::default()
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_rule_is_tried_on_the_last_sessions_and_kept_in_versions(pool: PgPool) {
    let house = House::new(&pool).await;
    let quality = &house.ports.quality;
    for member in [house.ada, house.bob] {
        assert!(matches!(quality.rule(member, above("705"), true).await, Err(AppError::NotAllowed)));
        assert!(matches!(quality.save_rule(member, above("705")).await, Err(AppError::NotAllowed)));
        assert!(matches!(quality.remove_rule(member, 1, 1).await, Err(AppError::NotAllowed)));
    }
    let page = quality.rule(house.admin, above("705"), true).await.unwrap();
    assert!(page.kinds.len() > 10 && page.form == above("705"));
    let tried = page.tried.unwrap().unwrap();
    let fired: Vec<_> = tried.fired.iter().map(|fired| (fired.session.to_string(), fired.failures)).collect();
    assert_eq!((tried.sessions, fired), (250, vec![("2026-11-19".to_owned(), 1)]));
    assert_eq!(tried.fired[0].sample.get("symbol").map(String::as_str), Some("AAPL"));
    assert_eq!(quality.rule(house.admin, above("800"), true).await.unwrap().tried.unwrap().unwrap().fired, []);
    let wrong = quality.rule(house.admin, above("tall"), true).await.unwrap().tried.unwrap().unwrap_err();
    assert!(wrong.contains("max"), "{wrong}");
    // A row that only others have is counted and not shown.
    let negative = RuleForm { parameters: "min: 0".into(), ..above("") };
    let unseen = quality.rule(house.admin, negative, true).await.unwrap().tried.unwrap().unwrap();
    assert_eq!((unseen.fired.len(), unseen.fired[0].sample.is_empty()), (1, true));

    quality.save_rule(house.admin, above("705")).await.unwrap();
    quality.save_rule(house.admin, above("900")).await.unwrap();
    let rules = quality.quality(house.admin, Default::default()).await.unwrap().rules;
    assert_eq!((rules.len(), rules[0].version, rules[0].name.as_str()), (1, 2, "closes_are_below"));
    assert!(rules[0].definition.contains("900"));
    assert!(quality.quality(house.ada, Default::default()).await.unwrap().rules.is_empty());
    assert!(refused(quality.remove_rule(house.admin, rules[0].id, 1).await).contains("Reload the page"));
    quality.remove_rule(house.admin, rules[0].id, 2).await.unwrap();
    assert!(quality.quality(house.admin, Default::default()).await.unwrap().rules.is_empty());
    assert_eq!(count(&pool, "select from book.check_rule").await, 3, "nothing is overwritten");
    assert_eq!(
        text(&pool, "select string_agg(action, ' ' order by audit_id) from ops.audit where subject like 'rule:%'").await,
        "save_rule save_rule remove_rule"
    );

    // In the address, as a browser without scripts sends it.
    let mut admin = Visitor::new(&site(&pool));
    admin.sign_in("root", PASSWORD).await;
    let address = "/quality/rule?rule%5Bname%5D=mine&rule%5Bdataset%5D=bars&rule%5Bkind%5D=range&rule%5Bcolumns%5D=close&rule%5Bparameters%5D=max%3A+705&tried=1";
    let page = admin.get(address).await.body;
    assert!(page.contains("It would have fired in 1 of the last 250 sessions"), "{page}");
    assert!(page.contains("max: 705") && page.contains("value=\"mine\""), "what was typed stays");
    sql(&pool, r#"update auth."user" set role = 'member' where name = 'root'"#).await;
    assert!(!admin.get(address).await.body.contains("would have fired"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn why_a_rule_couldnt_be_made_is_told_to_who_can_mend_it(pool: PgPool) {
    let house = House::new(&pool).await;
    sql(
        &pool,
        "insert into ops.check_result (run_id, portfolio_id, check_name, dataset, dimension, scope, severity, passed, observed, expected, elements, failures,
                                       samples, message, repairs)
         values (4, 0, 'mine', 'marts.holdings', 'validity', 'installation', 'error', false, 'not made', 'mine', 1, 0, '[]',
                 'The check mine couldn''t be made: column \"nowhere\" does not exist. Correct it, or delete it.', '[]')",
    )
    .await;
    for (who, is_told) in [(house.admin, true), (house.ada, false), (house.bob, false)] {
        let page = house.ports.quality.quality(who, Default::default()).await.unwrap();
        let message = &page.checks.iter().find(|check| check.name == "mine").unwrap().message;
        assert_eq!(message.contains("nowhere"), is_told, "{message}");
        assert!(message.starts_with("The check mine couldn't be made"), "{message}");
        let history = house.ports.quality.history(who, Default::default(), "mine".into()).await.unwrap();
        assert_eq!(history.runs[0].message, *message);
    }
}
