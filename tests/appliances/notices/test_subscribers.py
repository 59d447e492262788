"""Visitors who want to hear of new versions: asked twice, told once, forgotten when they say so."""

from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from appliances import releases
from appliances.models import Appliance, Letter, Release, Subscriber
from appliances.notices import links, subscribers, telling
from tests import factories
from tests.appliances.life import change, finish, published

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/acme/wiki/subscribe"
SITE = "http://127.0.0.1:8000"


@pytest.fixture
def release(appliance) -> Release:
    found = factories.release(appliance=appliance, version="1.0.0")
    published(found)
    return found


@pytest.fixture
def ask(client, release):
    def ask(address="ada@example.org", **headers):
        return client.post(ADDRESS, {"address": address}, **headers)

    return ask


def link_in(letter, part: str) -> str:
    return next(word for word in letter.body.split() if part in word).removeprefix(SITE)


class TestAsking:
    def test_only_whoever_reads_the_mail_can_confirm(self, ask, client, mailoutbox, tell):
        assert "Look into your mail" in ask().content.decode()
        tell()
        (letter,) = mailoutbox
        link = link_in(letter, "/subscriptions/confirm/")
        assert client.get(link).status_code == 200  # mail scanners open every link: that alone says nothing
        assert Subscriber.objects.get().confirmed_at is None
        client.post(link)
        assert Subscriber.objects.get().confirmed_at

    def test_the_answer_never_tells_who_is_known(self, ask, client, release, mailoutbox, tell):
        def said(response) -> str:
            return response.content.decode().replace("new@example.org", "…").replace("ada@example.org", "…")

        release.appliance.subscribers.create(
            address="ada@example.org", asked_at=timezone.now(), confirmed_at=timezone.now()
        )
        assert said(ask("Ada@Example.org".lower())) == said(ask("new@example.org"))
        tell()
        assert [letter.to for letter in mailoutbox] == [["new@example.org"]]

    def test_an_address_is_written_to_a_few_times_at_most(self, ask, mailoutbox, tell):
        for _ in range(3):
            assert ask().status_code == 200
        assert Letter.objects.count() == 1  # the first is still on its way
        for _ in range(3):
            appliance = factories.appliance()
            subscribers.ask(appliance, "ada@example.org", "elsewhere", timezone.now())
        assert Letter.objects.count() == subscribers.PER_ADDRESS
        later = timezone.now() + subscribers.WHILE + timedelta(minutes=1)
        subscribers.ask(factories.appliance(), "ada@example.org", "elsewhere", later)
        assert Letter.objects.count() == subscribers.PER_ADDRESS + 1

    def test_a_client_asks_a_few_times_at_most(self, ask):
        for number in range(subscribers.PER_CLIENT):
            assert ask(f"person{number}@example.org").status_code == 200
        assert ask("one-more@example.org").status_code == 429
        assert ask("elsewhere@example.org", REMOTE_ADDR="192.0.2.7").status_code == 200
        assert "127.0.0.1" not in Subscriber.objects.first().client

    def test_behind_a_proxy_the_client_is_whom_the_proxy_saw(self, ask, settings):
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        for number in range(subscribers.PER_CLIENT):
            ask(f"person{number}@example.org", HTTP_X_FORWARDED_FOR=f"10.9.8.{number}, 192.0.2.7")
        assert ask("x@example.org", HTTP_X_FORWARDED_FOR="10.1.1.1, 192.0.2.7").status_code == 429
        assert ask("y@example.org", HTTP_X_FORWARDED_FOR="192.0.2.8").status_code == 200

    def test_what_is_no_address_is_said(self, ask):
        assert ask("not an address").status_code == 422
        assert ask("a@example.org\nBcc: b@example.org").status_code == 422
        assert not Subscriber.objects.exists()

    def test_drafts_have_no_such_page(self, client):
        draft = factories.appliance()
        assert client.get(f"{draft.get_absolute_url()}/subscribe").status_code == 404

    def test_without_a_mail_server_the_feed_is_offered(self, ask, client, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
        page = ask().content.decode()
        assert "sends no e-mail" in page
        assert "/acme/wiki/feed.atom" in page
        assert not Subscriber.objects.exists()


class TestLinks:
    @pytest.fixture
    def subscriber(self, release) -> Subscriber:
        return release.appliance.subscribers.create(address="ada@example.org", asked_at=timezone.now())

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_forged_or_old_ones_do_nothing(self, client, subscriber, method):
        good = links.sign("confirm-subscription", subscriber=subscriber.pk).removeprefix(SITE)
        other = links.sign("stop-subscription", subscriber=subscriber.pk).removeprefix(f"{SITE}/subscriptions/stop/")
        long_ago = signing.TimestampSigner(salt="confirm-subscription")
        long_ago.timestamp = lambda: signing.b62_encode(
            int((timezone.now() - subscribers.CONFIRM_WITHIN - timedelta(hours=1)).timestamp())
        )
        expired = long_ago.sign_object({"subscriber": subscriber.pk})
        bad = [good[:-1], good + "x", f"/subscriptions/confirm/{other}", f"/subscriptions/confirm/{expired}"]
        for address in bad:
            response = getattr(client, method)(address)
            assert response.status_code == 404, address
            assert "This link is no good" in response.content.decode()
        subscriber.refresh_from_db()
        assert subscriber.confirmed_at is None
        assert getattr(client, method)(good).status_code == 200

    def test_one_click_ends_it_and_forgets_the_address(self, client, subscriber):
        stop = links.sign("stop-subscription", subscriber=subscriber.pk).removeprefix(SITE)
        assert client.get(stop).status_code == 200
        assert Subscriber.objects.exists()
        assert client.post(stop, {"List-Unsubscribe": "One-Click"}).status_code == 200
        assert not Subscriber.objects.exists()
        assert client.post(stop).status_code == 404


class TestTelling:
    @pytest.fixture
    def subscriber(self, release) -> Subscriber:
        now = timezone.now()
        return release.appliance.subscribers.create(address="ada@example.org", asked_at=now, confirmed_at=now)

    def test_a_new_version_is_told_once_a_rebuild_is_not(self, release, subscriber, mailoutbox, tell):
        newer = factories.release(appliance=release.appliance, version="1.1.0", notes="Faster *search*.")
        published(newer)
        tell()
        (letter,) = mailoutbox
        assert (letter.to, letter.subject) == (["ada@example.org"], "Wiki 1.1.0")
        assert "Faster *search*." in letter.body
        assert "<em>search</em>" in letter.alternatives[0].content
        assert letter.extra_headers["List-Unsubscribe"].strip("<>") in letter.body
        change(newer)
        published(newer)
        tell()
        assert len(mailoutbox) == 1

    def test_whoever_did_not_confirm_hears_nothing(self, release, mailoutbox, tell):
        release.appliance.subscribers.create(address="ada@example.org", asked_at=timezone.now())
        published(factories.release(appliance=release.appliance, version="1.1.0"))
        tell()
        assert mailoutbox == []

    def test_what_is_withdrawn_before_the_letter_went_out_is_not_told(self, release, subscriber, mailoutbox, tell):
        newer = factories.release(appliance=release.appliance, version="1.1.0")
        revision, _ = releases.revise(newer, by=None)
        finish(revision)
        releases.withdraw(Release.objects.get(pk=newer.pk), reason="A hole.", by=None)
        tell()
        assert mailoutbox == []


class TestWhatBecameItsTeamsOwn:
    """The appliance was public when somebody subscribed."""

    @pytest.fixture
    def subscriber(self, release) -> Subscriber:
        now = timezone.now() - timedelta(days=1)
        return release.appliance.subscribers.create(address="ada@example.org", asked_at=now, confirmed_at=now)

    def test_no_letter_leaves_the_team(self, appliance, subscriber, mailoutbox, tell):
        Appliance.objects.update(visibility="team")
        published(factories.release(appliance=appliance, version="2.0.0"))
        tell()
        assert mailoutbox == []

    def test_nor_one_that_was_written_before(self, appliance, subscriber, mailoutbox, tell):
        published(factories.release(appliance=appliance, version="2.0.0"))
        telling.announce()
        assert Letter.objects.filter(subscriber=subscriber).exists()
        Appliance.objects.update(visibility="team")
        tell()
        assert mailoutbox == []
        assert not Letter.objects.exists()

    def test_a_link_in_an_old_letter_still_ends_it_and_tells_nothing(self, client, subscriber):
        Appliance.objects.update(visibility="team", name="Codename Numbat")
        link = links.sign("stop-subscription", subscriber=subscriber.pk).removeprefix(SITE)
        for page in (client.get(link), client.post(link)):
            assert page.status_code == 200
            assert "Numbat" not in page.content.decode()
        assert not Subscriber.objects.exists()


def test_addresses_that_never_said_yes_are_forgotten(release):
    now = timezone.now()
    old = now - subscribers.CONFIRM_WITHIN - timedelta(hours=1)
    release.appliance.subscribers.create(address="old@example.org", asked_at=old)
    release.appliance.subscribers.create(address="new@example.org", asked_at=now)
    release.appliance.subscribers.create(address="yes@example.org", asked_at=old, confirmed_at=old)
    telling.reconcile(now)
    left = Subscriber.objects.values_list("address", flat=True)
    assert set(left) == {"new@example.org", "yes@example.org"}
