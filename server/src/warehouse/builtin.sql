{# The four generic tests that dbt brings along, with dbt's meaning. #}
{% macro test_not_null(model, column_name) %}
select * from {{ model }} where {{ column_name }} is null
{% endmacro %}

{% macro test_unique(model, column_name) %}
select {{ column_name }} as unique_field, count(*) as n_records
from {{ model }} where {{ column_name }} is not null group by {{ column_name }} having count(*) > 1
{% endmacro %}

{% macro test_accepted_values(model, column_name, values) %}
select {{ column_name }} as value_field, count(*) as n_records
from {{ model }} where {{ column_name }} not in ('{{ values | join("', '") }}') group by {{ column_name }}
{% endmacro %}

{% macro test_relationships(model, column_name, to, field) %}
select child.{{ column_name }} as from_field
from {{ model }} as child
where child.{{ column_name }} is not null and not exists (select from {{ to }} as parent where parent.{{ field }} = child.{{ column_name }})
{% endmacro %}
