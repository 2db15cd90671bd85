"""Version 1 of every rule set: the owner's numbers and words, and sensible ones where the owner left them open.

Frozen like the revision that inserts it. A rule changes by a new version (a PUT), never here.
Texts in quotes in the requirements are the owner's, word for word; the Hindi ones say the same.
"""

from datetime import date, time
from typing import Any

from store.migrations.first_phrases import PHRASES

RULE_SETS = (
    "FRICTION",
    "ROUTING",
    "ESCALATION",
    "NOTIFICATION",
    "DISCOUNT",
    "CATEGORY",
    "SCREEN",
    "PHRASE",
    "OFFICE_HOURS",
    "POLICY",
)
_RUPEE = 100

Row = dict[str, Any]


def _score(code: str, threshold: float | None, weight: int, category: str | None) -> Row:
    return _friction("SCORE", code, threshold=threshold, weight=weight, issue_category=category)


def _signal(code: str, threshold: float, action: str, priority: int, text_en: str, text_hi: str, category: str) -> Row:
    return _friction(
        "SIGNAL",
        code,
        signal_type=code,
        threshold=threshold,
        action=action,
        priority=priority,
        text_en=text_en,
        text_hi=text_hi,
        issue_category=category,
    )


def _friction(kind: str, code: str, **columns: Any) -> Row:
    empty = dict.fromkeys(
        ("signal_type", "threshold", "weight", "action", "priority", "text_en", "text_hi", "issue_category")
    )
    return {"kind": kind, "code": code, **empty, **columns}


def _notification(
    code: str,
    flow: str,
    condition: str,
    threshold: float,
    priority: int,
    text_en: str,
    text_hi: str,
    category: str,
    *,
    offers_person: bool,
) -> Row:
    return {
        "code": code,
        "flow": flow,
        "condition": condition,
        "threshold": threshold,
        "priority": priority,
        "text_en": text_en,
        "text_hi": text_hi,
        "offers_person": offers_person,
        "issue_category": category,
    }


FRICTION_RULES = [
    _score("INACTIVITY", 60, 30, None),
    _score("BACK_NAVIGATION", 3, 25, "MENU_CHOICE"),
    _score("PRICE_CHECK", 5, 20, "PRICE_CLARITY"),
    _score("HIGH_VALUE_EVENT", None, 15, "EVENT_PLANNING"),
    _score("FIRST_TIME_USER", None, 10, None),
    _friction(
        "HELP",
        "HELP",
        threshold=50,
        action="HELP_PROMPT",
        priority=5,
        text_en="Need help with your order?",
        text_hi="क्या ऑर्डर में मदद चाहिए?",
    ),
    _signal(
        "PAYMENT_FAILED",
        2,
        "CALL_OPTION",
        1,
        "Payment not going through? Call us.",
        "भुगतान नहीं हो रहा? हमें कॉल करें।",
        "PAYMENT_FAILURE",
    ),
    _signal(
        "PRICE_CALCULATION",
        5,
        "EXPERT_CONSULTATION",
        3,
        "Want an expert to plan it within your budget?",
        "क्या अपने बजट में योजना के लिए विशेषज्ञ की सलाह चाहिए?",
        "PRICE_CLARITY",
    ),
    _signal(
        "CHECKOUT_INACTIVITY",
        60,
        "HELP_PROMPT",
        4,
        "Need help finishing your order?",
        "क्या ऑर्डर पूरा करने में मदद चाहिए?",
        "ORDER_CHANGE",
    ),
    _signal(
        "BACK_NAVIGATION",
        3,
        "HELP_PROMPT",
        7,
        "Can't find what you need? We can help.",
        "जो चाहिए वह नहीं मिल रहा? हम मदद कर सकते हैं।",
        "MENU_CHOICE",
    ),
    _signal(
        "MENU_COMPARISON",
        180,
        "COMPARE_PACKAGES",
        8,
        "Compare packages",
        "पैकेज की तुलना करें",
        "MENU_CHOICE",
    ),
    _signal(
        "QUANTITY_CHANGE",
        5,
        "QUANTITY_HELP",
        9,
        "Need help with quantities?",
        "क्या मात्रा तय करने में मदद चाहिए?",
        "PORTION_SIZE",
    ),
]

NOTIFICATION_RULES = [
    _notification(
        "PAYMENT_RETRY",
        "PAYMENT",
        "PAYMENT_RETRY_COUNT",
        1,
        2,
        "Need payment help?",
        "क्या भुगतान में मदद चाहिए?",
        "PAYMENT_FAILURE",
        offers_person=True,
    ),
    _notification(
        "CHECKOUT_CART_VALUE",
        "CHECKOUT",
        "CART_VALUE_PAISE",
        25_000 * _RUPEE,
        6,
        "Talk to catering expert",
        "केटरिंग विशेषज्ञ से बात करें",
        "EVENT_PLANNING",
        offers_person=True,
    ),
    _notification(
        "GUEST_COUNT_INACTIVITY",
        "GUEST_COUNT",
        "INACTIVITY_SECONDS",
        45,
        10,
        "Need help deciding portions?",
        "क्या कितना खाना लगेगा, यह तय करने में मदद चाहिए?",
        "PORTION_SIZE",
        offers_person=False,
    ),
    _notification(
        "PLATTERS_VIEWED",
        "COMPARISON",
        "PLATTER_VIEWED_COUNT",
        3,
        11,
        "Want expert recommendation?",
        "क्या विशेषज्ञ की सलाह चाहिए?",
        "MENU_CHOICE",
        offers_person=True,
    ),
    _notification(
        "CUSTOMIZATION_CHANGES",
        "CUSTOMIZATION",
        "CUSTOMIZATION_CHANGE_COUNT",
        5,
        12,
        "Let us help customize",
        "अपनी पसंद का बनाने में हम मदद करें",
        "CUSTOMIZATION",
        offers_person=True,
    ),
]

ROUTING_RULES = [
    {
        "order_value_min_paise": 0,
        "order_value_max_paise": 5_000 * _RUPEE,
        "channels": [],
        "escalate_after_seconds": None,
    },
    {
        "order_value_min_paise": 5_000 * _RUPEE,
        "order_value_max_paise": 25_000 * _RUPEE,
        "channels": ["CHAT"],
        "escalate_after_seconds": 600,
    },
    {
        "order_value_min_paise": 25_000 * _RUPEE,
        "order_value_max_paise": None,
        "channels": ["CHAT", "CALL"],
        "escalate_after_seconds": None,
    },
]

ESCALATION_RULES = [
    {"trigger": trigger, "level": level, "order_value_over_paise": value, "unresolved_over_seconds": seconds}
    for trigger, level, value, seconds in (
        ("HIGH_VALUE_ORDER", "SENIOR_AGENT", 50_000 * _RUPEE, None),
        ("SYSTEM_BUG", "TECH_TEAM", None, None),
        ("POLICY_EXCEPTION", "SUPERVISOR", None, None),
        ("EMOTIONAL_CRITICAL", "SENIOR_AGENT", None, None),
        ("UNRESOLVED", "SUPERVISOR", None, 900),
    )
]

DISCOUNT_CODES = [
    {"code": code, "percent": percent, "max_paise": most, "description": description, "is_pre_approved": approved}
    for code, percent, most, description, approved in (
        ("WELCOME5", 5.0, 500 * _RUPEE, "First order of a new user", True),
        ("SORRY5", 5.0, 1_000 * _RUPEE, "Something went wrong and it was ours", True),
        ("FESTIVE10", 10.0, 2_000 * _RUPEE, "Festival season", True),
        ("BULK7", 7.0, 5_000 * _RUPEE, "More than 100 guests", True),
        ("CORPORATE12", 12.0, 10_000 * _RUPEE, "Repeat corporate orders; needs a supervisor", False),
    )
]

DISCOUNT_LIMITS = [
    {"role": role, "max_percent": percent, "max_paise": most}
    for role, percent, most in (
        ("AGENT", 5.0, 1_000 * _RUPEE),
        ("SENIOR_AGENT", 10.0, 3_000 * _RUPEE),
        ("TECH_TEAM", 0.0, 0),
        ("SUPERVISOR", 20.0, 15_000 * _RUPEE),
    )
]

ISSUE_CATEGORIES = [
    {"code": code, "name_en": english, "name_hi": hindi}
    for code, english, hindi in (
        ("PORTION_SIZE", "How much food for how many guests", "कितने मेहमानों के लिए कितना खाना"),
        ("MENU_CHOICE", "Choosing dishes or a platter", "व्यंजन या थाली चुनना"),
        ("PRICE_CLARITY", "What the price includes", "कीमत में क्या शामिल है"),
        ("PAYMENT_FAILURE", "Payment did not go through", "भुगतान नहीं हुआ"),
        ("DELIVERY_TIME", "When it arrives", "डिलीवरी का समय"),
        ("DELIVERY_AREA", "Whether we deliver there", "डिलीवरी का इलाका"),
        ("DIETARY_NEEDS", "Jain, vegan, allergies", "जैन, वीगन, एलर्जी"),
        ("CUSTOMIZATION", "Changing what a platter holds", "थाली में बदलाव"),
        ("QUALITY_CONCERN", "Taste, freshness, hygiene", "स्वाद, ताज़गी, सफ़ाई"),
        ("DISCOUNT_QUERY", "Offers and codes", "ऑफ़र और कूपन"),
        ("ORDER_CHANGE", "Changing an order", "ऑर्डर में बदलाव"),
        ("CANCELLATION", "Cancelling and refunds", "रद्द करना और रिफ़ंड"),
        ("APP_BUG", "The app does not work as it should", "ऐप में गड़बड़ी"),
        ("EVENT_PLANNING", "Planning a large event", "बड़े आयोजन की तैयारी"),
    )
]

SCREENS = [
    {"code": code, "flow": flow}
    for code, flow in (
        ("home", None),
        ("profile", None),
        ("order_history", None),
        ("order_detail", None),
        ("help", None),
        ("menu", "MENU"),
        ("search", "MENU"),
        ("category", "MENU"),
        ("item_detail", "MENU"),
        ("platter_detail", "MENU"),
        ("compare", "COMPARISON"),
        ("package_compare", "COMPARISON"),
        ("customize", "CUSTOMIZATION"),
        ("add_ons", "CUSTOMIZATION"),
        ("guest_count", "GUEST_COUNT"),
        ("portion_guide", "GUEST_COUNT"),
        ("cart", "CHECKOUT"),
        ("address", "CHECKOUT"),
        ("delivery_slot", "CHECKOUT"),
        ("checkout", "CHECKOUT"),
        ("payment", "PAYMENT"),
        ("payment_failed", "PAYMENT"),
    )
]

OFFICE_HOURS = [{"weekday": weekday, "opens": time(9), "closes": time(22)} for weekday in range(7)]

HOLIDAYS = [
    {"holiday_date": date(year, month, day), "name": name}
    for year in (2025, 2026, 2027)
    for month, day, name in ((1, 26, "Republic Day"), (8, 15, "Independence Day"), (10, 2, "Gandhi Jayanti"))
]

POLICIES = [
    {"code": code, "value": value, "description": description}
    for code, value, description in (
        ("holdout_share", 0.05, "Share of users (0 to 1) who are never prompted; 0 switches the holdout off."),
        ("prompts_per_session", 3, "Most prompts that one session is shown."),
        ("snooze_minutes", 30, "Minutes without prompts after a user dismissed one."),
        ("prompt_expiry_minutes", 10, "Minutes after which a prompt that was shown and not answered expires."),
        ("session_timeout_minutes", 30, "Minutes without activity after which a session has ended."),
        ("presence_seconds", 30, "Seconds after a heartbeat during which the user counts as present."),
        (
            "chat_channels",
            {"default": "IN_APP_CHAT", "INTERCOM": "IN_APP_CHAT", "FRESHCHAT": "WHATSAPP"},
            "What the routed channel CHAT is, by the platform that the conversation is on.",
        ),
        (
            "always_assisted_event_types",
            ["WEDDING", "CORPORATE", "RELIGIOUS"],
            "Events that get chat and call whatever the order's value.",
        ),
        (
            "approval_required_text",
            {
                "en": "This action requires supervisor approval",
                "hi": "इस कार्रवाई के लिए सुपरवाइज़र की मंज़ूरी ज़रूरी है",
            },
            "What an agent is told about a blocked action.",
        ),
        (
            "outside_hours_text",
            {
                "en": "We are here from 9 am to 10 pm, Indian time, and will answer as soon as we open.",
                "hi": "हम सुबह 9 बजे से रात 10 बजे तक उपलब्ध हैं और खुलते ही जवाब देंगे।",
            },
            "What a chat is answered, once, outside office hours.",
        ),
        (
            "self_serve_text",
            {
                "en": "Thank you for writing. For this order the app helps you best: tap Help there for menus, portions, "
                "delivery and payment. You can place or change your order at any time.",
                "hi": "लिखने के लिए धन्यवाद। इस ऑर्डर में ऐप ही सबसे अच्छी मदद करेगा: मेन्यू, मात्रा, डिलीवरी और भुगतान के लिए "
                "वहाँ Help दबाएँ। आप कभी भी ऑर्डर कर या बदल सकते हैं।",
            },
            "What a chat is answered, once, when no person may help.",
        ),
    )
]

FIRST_RULES: dict[str, list[Row]] = {
    "friction_rules": FRICTION_RULES,
    "routing_rules": ROUTING_RULES,
    "escalation_rules": ESCALATION_RULES,
    "notification_rules": NOTIFICATION_RULES,
    "discount_codes": DISCOUNT_CODES,
    "discount_limits": DISCOUNT_LIMITS,
    "issue_categories": ISSUE_CATEGORIES,
    "screens": SCREENS,
    "phrases": PHRASES,
    "office_hours": OFFICE_HOURS,
    "holidays": HOLIDAYS,
    "policies": POLICIES,
}
