-- The linter's dialect knows no recursion.
with recursive incidences as ( -- noqa: PRS
    select incidence_id, user_id, merged_into from {{ ref('int_incidences__unioned') }}
),

merged as (
    select incidence_id, merged_into from incidences
    where merged_into is not null
),

-- A merged incidence may have been merged into one that was merged itself.
merges as (
    select incidence_id, merged_into as root_incidence_id from merged
    union
    select merges.incidence_id, merged.merged_into as root_incidence_id
    from merges
    inner join merged on merges.root_incidence_id = merged.incidence_id
),

ends as (
    select merges.incidence_id, merges.root_incidence_id, root.user_id
    from merges
    inner join incidences as root on merges.root_incidence_id = root.incidence_id
    where root.merged_into is null
),

final as (
    select
        incidences.incidence_id,
        coalesce(ends.root_incidence_id, incidences.incidence_id) as root_incidence_id,
        coalesce(ends.user_id, incidences.user_id) as user_id
    from incidences
    left join ends on incidences.incidence_id = ends.incidence_id
)

select * from final
