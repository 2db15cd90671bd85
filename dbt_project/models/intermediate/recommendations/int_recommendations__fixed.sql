with valued as (
    select * from {{ ref('int_recommendations__valued') }}
),

playbook as (
    select * from {{ ref('fix_playbook') }}
),

-- The closest line of the playbook: the category on that screen, on any screen, or the line for everything else.
matched as (
    select
        valued.period,
        valued.is_demo,
        valued.issue_category,
        valued.app_screen,
        playbook.fix_title,
        playbook.fix_detail,
        row_number() over (
            partition by valued.period, valued.is_demo, valued.issue_category, valued.app_screen
            order by playbook.issue_category = '*', playbook.app_screen = '*'
        ) as position
    from valued
    inner join playbook
        on
            playbook.issue_category in (valued.issue_category, '*')
            and playbook.app_screen in (valued.app_screen, '*')
),

final as (
    select * exclude (position)
    from matched
    where position = 1
)

select * from final
