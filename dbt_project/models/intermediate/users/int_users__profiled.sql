{{ config(materialized='table') }}

with profiles as (
    select
        user_id,
        seq,
        recorded_at,
        language,
        tier
    from {{ ref('stg_ops__context_updates') }}
    {{ where_user_is_due() }}
        and kind = 'PROFILE'
),

users as (
    select * from {{ ref('int_users__unioned') }}
),

-- A profile that leaves a field out leaves it as it was.
filled as (
    select
        user_id,
        recorded_at,
        seq,
        last_value(language ignore nulls) over profiles_so_far as language,
        last_value(tier ignore nulls) over profiles_so_far as tier,
        row_number() over profiles_so_far as profile_no
    from profiles
    window profiles_so_far as (partition by user_id order by seq rows between unbounded preceding and current row)
),

-- Of profiles at one instant the last holds.
latest as (
    select * from filled
    qualify row_number() over (partition by user_id, recorded_at order by seq desc) = 1
),

-- Facts before any profile take the first known one; users without profiles have what their row says.
known as (
    select
        user_id,
        case when min(profile_no) over (partition by user_id) = profile_no then timestamp '-infinity' else recorded_at end
            as valid_from,
        language,
        tier
    from latest
    union all
    select
        user_id,
        timestamp '-infinity' as valid_from,
        language,
        tier
    from users
    where user_id not in (select latest.user_id from latest)
),

final as (
    select
        known.user_id,
        known.valid_from,
        coalesce(known.language, users.language, 'UNKNOWN') as language,
        coalesce(known.tier, users.tier, 'UNKNOWN') as tier
    from known
    left join users on known.user_id = users.user_id
)

select * from final
