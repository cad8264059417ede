-- Results on the models come with every publication, those on the data with runs alone: each page and each decision asks for the latest of one sort.
alter table ops.check_result add column is_of_models boolean not null generated always as (dimension = 'model' or dataset like '%.%') stored;
