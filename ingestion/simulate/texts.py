"""What people write in the demo's chats: English, Hindi, and the mix of both that many write."""

import random

QUESTIONS: dict[str, tuple[str, ...]] = {
    "PORTION_SIZE": (
        "How much biryani do I need for {guests} guests?",
        "Is one platter enough for {guests} people, half of them children?",
        "{guests} मेहमानों के लिए कितना खाना काफ़ी रहेगा?",
        "{guests} logon ke liye kitni quantity leni chahiye?",
    ),
    "MENU_CHOICE": (
        "Which platter is better for an evening function?",
        "Can you tell me the difference between these two menus?",
        "शादी के लिए कौन सा मेन्यू सबसे अच्छा रहेगा?",
        "Yeh dono platter mein kya farak hai?",
    ),
    "DIETARY_NEEDS": (
        "Do you have Jain food without onion and garlic?",
        "Two of our guests are allergic to nuts. What can they eat?",
        "क्या बिना प्याज़ लहसुन का खाना मिलेगा?",
        "Jain menu available hai kya?",
    ),
    "EVENT_PLANNING": (
        "It is a wedding with {guests} guests. How early should I book?",
        "Will your staff serve at the venue?",
        "पूजा के लिए खाना सुबह 10 बजे चाहिए, क्या हो जाएगा?",
        "Function ke liye kitne din pehle book karna padega?",
    ),
    "CUSTOMIZATION": (
        "Can I replace the paneer dish with a dal?",
        "How do I remove a dessert from the platter?",
        "क्या थाली में से मिठाई बदल सकते हैं?",
        "Starter change karna hai, ho sakta hai?",
    ),
    "PRICE_CLARITY": (
        "Does the price include taxes and delivery?",
        "Why did the total change when I added guests?",
        "क्या इस कीमत में डिलीवरी शामिल है?",
        "Final price kitna hoga {guests} guests ke liye?",
    ),
    "DISCOUNT_QUERY": (
        "Is there an offer for an order this large?",
        "My code does not work.",
        "क्या कोई छूट मिल सकती है?",
        "Koi coupon code hai kya?",
    ),
    "APP_BUG": (
        "The checkout button does nothing.",
        "The app closes when I choose a delivery slot.",
        "ऐप बार-बार बंद हो रहा है।",
        "Checkout page load nahi ho raha.",
    ),
    "PAYMENT_FAILURE": (
        "My payment failed twice. Was I charged?",
        "UPI says success but the app says failed.",
        "भुगतान नहीं हो रहा है, पैसे कट गए क्या?",
        "Payment fail ho raha hai, please help.",
    ),
    "DELIVERY_AREA": (
        "Do you deliver outside the city?",
        "क्या आप हमारे इलाके में डिलीवरी करते हैं?",
        "Hamare area mein delivery hoti hai?",
    ),
    "DELIVERY_TIME": (
        "When will the food arrive?",
        "The driver is not here yet and guests are waiting.",
        "खाना कब तक पहुँचेगा?",
        "Delivery kab tak aayegi?",
    ),
    "ORDER_CHANGE": (
        "We will be {guests} guests now. Can you change the order?",
        "Please move the delivery to one hour later.",
        "मेहमान बढ़ गए हैं, ऑर्डर बदलना है।",
        "Order mein thoda change karna hai.",
    ),
    "CANCELLATION": (
        "The function is postponed. Can I cancel?",
        "When will I get my refund?",
        "ऑर्डर रद्द करना है, पैसे कब वापस मिलेंगे?",
        "Order cancel karna hai, refund milega?",
    ),
    "QUALITY_CONCERN": (
        "The curry was cold when it came.",
        "The sweets were not fresh.",
        "खाना ठंडा था।",
        "Khana thanda tha, bahut bura laga.",
    ),
}
FOLLOW_UPS = {
    "en": ("Okay.", "Thank you, and one more thing.", "Are you sure?", "Can you check again?", "That helps."),
    "hi": (
        "ठीक है।",
        "धन्यवाद, एक और बात।",
        "क्या यह पक्का है?",
        "Ek baar aur check kar lijiye.",
        "Theek hai, samajh gaya.",
    ),
}
ANSWERS = {
    "en": (
        "Hello, I am looking at your cart now.",
        "For {guests} guests this platter is enough; most of our orders of this size take it.",
        "The price you see includes taxes. Delivery is shown before you pay.",
        "Please try once more, I can see the page from here.",
        "I have noted it on your order.",
        "All our kitchens are checked every month, so you can be at ease.",
    ),
    "hi": (
        "नमस्ते, मैं आपका कार्ट देख रहा हूँ।",
        "{guests} मेहमानों के लिए यह थाली काफ़ी है।",
        "दिखाई गई कीमत में टैक्स शामिल है।",
        "Ek baar phir try kijiye, main yahan se dekh raha hoon.",
        "मैंने यह आपके ऑर्डर पर लिख दिया है।",
        "Aap chinta na karein, sab samay par hoga.",
    ),
}
BREACHES = {
    ("UPSELL", "en"): (
        "You should upgrade to our premium menu, it looks better.",
        "Why not add a dessert counter as well?",
    ),
    ("UPSELL", "hi"): ("आप प्रीमियम पैकेज ले लीजिए, मेहमान खुश होंगे।", "Bada package le lijiye, sab log yahi lete hain."),
    ("PROMISE", "en"): ("I promise it will be there an hour early.", "Don't worry, we will adjust it later."),
    ("PROMISE", "hi"): ("अगली बार मुफ़्त कर देंगे।", "Main vaada karta hoon, koi dikkat nahi hogi."),
}
"""Each holds a phrase of the first version of `phrases`."""


class Pen:
    """Picks what is written next, by the user's language: two in five Hindi speakers write the mix."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def question(self, category: str | None, language: str, guests: int) -> str:
        options = QUESTIONS[category or "MENU_CHOICE"]
        english = options[: len(options) - 2]
        return self._rng.choice(options[-2:] if language == "hi" else english).format(guests=guests)

    def follow_up(self, language: str) -> str:
        return self._rng.choice(FOLLOW_UPS["hi" if language == "hi" else "en"])

    def answer(self, language: str, guests: int) -> str:
        return self._rng.choice(ANSWERS["hi" if language == "hi" else "en"]).format(guests=guests)

    def breach(self, kind: str, language: str) -> str:
        return self._rng.choice(BREACHES[kind, "hi" if language == "hi" else "en"])
