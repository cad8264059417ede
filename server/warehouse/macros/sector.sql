{#
    The sector of an instrument: from its SIC code by the ranges below (the first that holds it), "Funds" for funds, else "Other".
    The SIC divisions of 1937 call a computer maker "Manufacturing"; these ranges say what an investor expects. Codes as in the SEC's list.
#}
{% macro sector(type, sic_code) -%}
{%- set ranges = [
    (3570, 3579, 'Technology'),
    (3660, 3679, 'Technology'),
    (3825, 3825, 'Technology'),
    (3827, 3827, 'Technology'),
    (7370, 7379, 'Technology'),
    (2830, 2836, 'Health care'),
    (3826, 3826, 'Health care'),
    (3840, 3851, 'Health care'),
    (5047, 5047, 'Health care'),
    (5122, 5122, 'Health care'),
    (5912, 5912, 'Health care'),
    (6324, 6324, 'Health care'),
    (8000, 8099, 'Health care'),
    (8731, 8731, 'Health care'),
    (1200, 1399, 'Energy'),
    (2900, 2999, 'Energy'),
    (3533, 3533, 'Energy'),
    (4600, 4699, 'Energy'),
    (4922, 4922, 'Energy'),
    (5171, 5172, 'Energy'),
    (6792, 6792, 'Energy'),
    (4900, 4991, 'Utilities'),
    (6500, 6599, 'Real estate'),
    (6798, 6798, 'Real estate'),
    (6000, 6799, 'Financials'),
    (7389, 7389, 'Financials'),
    (2700, 2799, 'Communication'),
    (4800, 4899, 'Communication'),
    (7310, 7319, 'Communication'),
    (7800, 7849, 'Communication'),
    (2840, 2844, 'Consumer'),
    (1000, 1099, 'Materials'),
    (1400, 1499, 'Materials'),
    (2400, 2499, 'Materials'),
    (2600, 2699, 'Materials'),
    (2800, 2899, 'Materials'),
    (3200, 3399, 'Materials'),
    (100, 999, 'Consumer'),
    (2000, 2399, 'Consumer'),
    (2500, 2599, 'Consumer'),
    (3000, 3199, 'Consumer'),
    (3630, 3659, 'Consumer'),
    (3710, 3716, 'Consumer'),
    (3751, 3751, 'Consumer'),
    (3860, 3999, 'Consumer'),
    (5100, 5999, 'Consumer'),
    (7000, 7299, 'Consumer'),
    (7500, 7699, 'Consumer'),
    (7900, 7999, 'Consumer'),
    (8200, 8299, 'Consumer'),
    (1500, 1799, 'Industrials'),
    (3400, 3899, 'Industrials'),
    (4000, 4799, 'Industrials'),
    (4950, 4959, 'Industrials'),
    (5000, 5099, 'Industrials'),
    (7300, 7399, 'Industrials'),
    (8700, 8799, 'Industrials'),
] -%}
case
        when {{ type }} in ('ETF', 'ETN', 'ETV', 'ETS', 'FUND') then 'Funds'
        when {{ sic_code }} is null or {{ sic_code }} !~ '^[0-9]{3,4}$' then 'Other'
        {%- for first, last, name in ranges %}
        when {{ sic_code }}::int between {{ first }} and {{ last }} then '{{ name }}'
        {%- endfor %}
        else 'Other'
    end
{%- endmacro %}
