{# The four generic tests that dbt brings along, with dbt's meaning. #}
{% macro test_not_null(model, column_name) %}
select * from {{ model }} where {{ column_name }} is null
{% endmacro %}

{% macro test_unique(model, column_name) %}
select {{ column_name }} as unique_field, count(*) as n_records
from {{ model }} where {{ column_name }} is not null group by {{ column_name }} having count(*) > 1
{% endmacro %}

{% macro test_accepted_values(model, column_name, values, quote=true) %}
select value_field, n_records
from (select {{ column_name }} as value_field, count(*) as n_records from {{ model }} group by {{ column_name }}) as all_values
where value_field not in ({% for value in values %}{% if quote %}'{{ value }}'{% else %}{{ value }}{% endif %}{% if not loop.last %}, {% endif %}{% endfor %})
{% endmacro %}

{% macro test_relationships(model, column_name, to, field) %}
select child.from_field
from (select {{ column_name }} as from_field from {{ model }} where {{ column_name }} is not null) as child
where not exists (select from (select {{ field }} as to_field from {{ to }}) as parent where parent.to_field = child.from_field)
{% endmacro %}
