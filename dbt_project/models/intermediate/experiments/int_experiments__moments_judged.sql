with prompts as (
    select * from {{ ref('fct_prompts') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where not is_cancelled
),

build as (
    select * from {{ ref('stg_warehouse__build') }}
),

-- Shown, withheld or suppressed alike: the arms are compared as they were drawn. A moment counts once its 24 hours are over.
moments as (
    select
        prompts.prompt_id,
        prompts.user_id,
        prompts.is_demo,
        prompts.is_holdout,
        prompts.due_at,
        prompts.due_date
    from prompts
    cross join build
    where prompts.due_at + interval 24 hour <= build.as_of
),

-- The user's first order at or after the moment.
following as (
    select
        moments.*,
        orders.placed_at
    from moments
    asof left join orders
        on
            moments.user_id = orders.user_id
            and moments.is_demo = orders.is_demo
            and moments.due_at <= orders.placed_at
),

final as (
    select
        prompt_id,
        user_id,
        is_demo,
        is_holdout,
        due_at,
        due_date,
        coalesce(placed_at < due_at + interval 24 hour, false) as is_converted
    from following
)

select * from final
