{{ config(materialized='table') }}

-- Written after every mart that computes by user, so that a run that failed on the way does its users again.
-- depends_on: {{ ref('dim_users') }}
-- depends_on: {{ ref('fct_incidences') }}
-- depends_on: {{ ref('fct_incidence_events') }}
-- depends_on: {{ ref('fct_orders') }}
-- depends_on: {{ ref('fct_sessions') }}
-- depends_on: {{ ref('fct_friction_signals') }}
-- depends_on: {{ ref('fct_friction_scores') }}

select * from {{ ref('int_users__counted') }}
