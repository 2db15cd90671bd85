"""The words of the pages in Hindi. English is the key: `t("Take it")`; a test holds that every one has its Hindi."""

from collections.abc import Callable
from typing import Any

from store.display import words

Translate = Callable[..., str]


def translator(language: str) -> Translate:
    """`t("{n} wait", n=3)`: in the viewer's language, its names filled in. What has no Hindi stays English."""
    known = HINDI if language == "hi" else {}

    def translate(text: str, /, **values: Any) -> str:
        found = known.get(text, text)
        return found.format_map(values) if values else found

    return translate


def label(code: str | None, language: str) -> str:
    """A code of ours as people read it: `CLOSE_RESOLVED` → `Close resolved`, or its Hindi."""
    return translator(language)(words(code))


HINDI: dict[str, str] = {
    # The frame of every page
    "Skip to the content": "सीधे सामग्री पर जाएँ",
    "Main": "मुख्य",
    "Start": "शुरुआत",
    "Desk": "डेस्क",
    "Team": "टीम",
    "Insights": "आँकड़े",
    "Reports": "रिपोर्ट",
    "Admin": "प्रबंधन",
    "Language": "भाषा",
    "Sign out": "साइन आउट",
    "Signed in as {role}": "{role} के रूप में साइन इन",
    "Demo data: no real customers": "डेमो डेटा: असली ग्राहक नहीं",
    # Signing in
    "Sign in": "साइन इन",
    "Sign in as {role}": "{role} के रूप में साइन इन करें",
    "Open the sign-in link that an admin made for you.": "वह साइन-इन लिंक खोलें जो एडमिन ने आपके लिए बनाया है।",
    "An admin makes one on the page Admin, or on the command line:": "एडमिन इसे प्रबंधन पृष्ठ पर या कमांड लाइन पर बनाता है:",
    "If you are signed in already, go on": "यदि आप पहले से साइन इन हैं, तो आगे बढ़ें",
    "This link signs you in once. You stay signed in for 12 hours.": "यह लिंक आपको एक बार साइन इन करता है। आप 12 घंटे साइन इन रहेंगे।",
    "You are signed out.": "आप साइन आउट हो चुके हैं।",
    # Problems
    "That did not work": "यह नहीं हो सका",
    "What to do": "क्या करें",
    "Request {id}": "अनुरोध {id}",
    "Back": "वापस",
    "Close": "बंद करें",
    # The desk
    "Queue": "कतार",
    "Your availability": "आपकी उपलब्धता",
    "Available": "उपलब्ध",
    "Busy": "व्यस्त",
    "Away": "बाहर",
    # Roles
    "Agent": "एजेंट",
    "Supervisor": "सुपरवाइज़र",
    "Analyst": "विश्लेषक",
    "Investor": "निवेशक",
}
