"""Messages are signed as Standard Webhooks says, so that every receiver's library can check them."""

import pytest

from appliances.notices import signature


def test_it_is_the_one_of_the_specification():
    """The example of its reference libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = signature.headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_new_secrets_are_usable_and_differ():
    secrets = {signature.new_secret() for _ in range(3)}
    assert len(secrets) == 3
    assert all(map(signature.is_usable, secrets))


@pytest.mark.parametrize("secret", ["short", "whsec_", "whsec_YWJj", "whsec_not base64 at all!"])
def test_weak_or_broken_secrets_are_not(secret):
    assert not signature.is_usable(secret)
