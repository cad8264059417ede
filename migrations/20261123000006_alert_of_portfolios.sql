-- A portfolio whose new numbers failed a check keeps its last good ones: that is said once, until it is mended.
alter table ops.alert drop constraint alert_kind_check;
alter table ops.alert add constraint alert_kind_check
    check (kind in ('deadline_predicted', 'deadline_missed', 'run_failed', 'schedule_dead', 'held_back'));
