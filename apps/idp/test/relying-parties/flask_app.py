# Owns a Flask app that signs people in through Authlib and through requests-oauthlib, each as its own guide shows. Never checks what
# they should check. Settings come from the environment; what was found out is answered as JSON.
import os

from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, redirect, request, session, url_for
from requests_oauthlib import OAuth2Session

app = Flask(__name__)
app.secret_key = 'of this app alone'

ISSUER = os.environ['ISSUER']
CLIENT_ID = os.environ['CLIENT_ID']
CLIENT_SECRET = os.environ['CLIENT_SECRET']
SCOPE = os.environ['SCOPE']

client_kwargs = {'scope': SCOPE}
for name in ('code_challenge_method', 'token_endpoint_auth_method'):
    if os.environ.get(name.upper()):
        client_kwargs[name] = os.environ[name.upper()]

oauth = OAuth(app)
oauth.register(
    'vouchsafe',
    server_metadata_url=ISSUER + '/.well-known/openid-configuration',
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    client_kwargs=client_kwargs,
)


@app.route('/')
def home():
    return 'up'


@app.errorhandler(Exception)
def failed(error):
    return jsonify(failed=type(error).__name__, message=str(error)), 500


@app.route('/authlib/login')
def authlib_login():
    return oauth.vouchsafe.authorize_redirect(url_for('authlib_callback', _external=True))


@app.route('/authlib/callback')
def authlib_callback():
    token = oauth.vouchsafe.authorize_access_token()
    return jsonify(claims=token['userinfo'], userinfo=oauth.vouchsafe.userinfo(token=token))


def oauthlib_session(**more):
    return OAuth2Session(CLIENT_ID, scope=SCOPE.split(), redirect_uri=url_for('oauthlib_callback', _external=True), **more)


@app.route('/oauthlib/login')
def oauthlib_login():
    address, session['state'] = oauthlib_session().authorization_url(ISSUER + '/authorize')
    return redirect(address)


@app.route('/oauthlib/callback')
def oauthlib_callback():
    client = oauthlib_session(state=session.pop('state'))
    token = client.fetch_token(ISSUER + '/token', authorization_response=request.url, client_secret=CLIENT_SECRET)
    return jsonify(scope=token['scope'], userinfo=client.get(ISSUER + '/userinfo').json())


app.run('127.0.0.1', int(os.environ['PORT']))
