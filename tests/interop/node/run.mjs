// Does jobs with the libraries of others: reads a JSON list of jobs from stdin, writes a JSON list of answers.
//
//   {do: 'issue', suite, credential}         -> {signed, key}      a credential signed by a new did:key
//   {do: 'disclose', credential, pointers}   -> {signed}           an ecdsa-sd-2023 proof, derived for a verifier
//   {do: 'verify', suite, credential}        -> {verified, error}
//   {do: 'verifier-core', credential}        -> {verified, log}
//   {do: 'canonize', document}              -> {form} or {error}  RDFC-1.0 in safe mode
//   {do: 'time', jobs, runs}                -> {verified, ms}     the median time of all these jobs, one after another
//   {do: 'sign-jwt', alg, payload}           -> {token, jwk}
//   {do: 'verify-jwt', alg, token, jwk}      -> {verified, payload, error}
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {createSignCryptosuite as ecdsaJcsSign, createVerifyCryptosuite as ecdsaJcsVerify}
  from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import {cryptosuite as ecdsaRdfc} from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import * as selective from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {Ed25519Signature2020} from '@digitalbazaar/ed25519-signature-2020';
import {Ed25519VerificationKey2020} from '@digitalbazaar/ed25519-verification-key-2020';
import {createSignCryptosuite as eddsaJcsSign, createVerifyCryptosuite as eddsaJcsVerify}
  from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {cryptosuite as eddsaRdfc} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {verifyCredential} from '@digitalcredentials/verifier-core';
import * as jose from 'jose';
import jsonld from 'jsonld';
import jsigs from 'jsonld-signatures';
import {webcrypto} from 'node:crypto';
import {readFileSync} from 'node:fs';

globalThis.crypto ??= webcrypto; // Node 18 has it there only behind an option
console.log = console.error; // stdout is for the answers

const contexts = JSON.parse(readFileSync(process.argv[2], 'utf8'));

const SUITES = {
  'eddsa-rdfc-2022': {keys: 'Ed25519', sign: () => eddsaRdfc, verify: () => eddsaRdfc},
  'ecdsa-rdfc-2019': {keys: 'P-256', sign: () => ecdsaRdfc, verify: () => ecdsaRdfc},
  'ecdsa-rdfc-2019 P-384': {keys: 'P-384', sign: () => ecdsaRdfc, verify: () => ecdsaRdfc},
  'eddsa-jcs-2022': {keys: 'Ed25519', sign: eddsaJcsSign, verify: eddsaJcsVerify},
  'ecdsa-jcs-2019': {keys: 'P-256', sign: ecdsaJcsSign, verify: ecdsaJcsVerify},
  'ecdsa-sd-2023': {
    keys: 'P-256',
    sign: () => selective.createSignCryptosuite({mandatoryPointers: ['/issuer', '/validFrom']}),
    verify: selective.createVerifyCryptosuite,
  },
};

// Contexts from the file; a did:key is read from its own identifier.
async function documentLoader(url) {
  if (contexts[url]) {
    return {contextUrl: null, documentUrl: url, document: contexts[url]};
  }
  if (url.startsWith('did:key:')) {
    const [did, fragment] = url.split('#');
    const publicKeyMultibase = did.slice('did:key:'.length);
    const method = {
      '@context': 'https://w3id.org/security/multikey/v1',
      id: `${did}#${publicKeyMultibase}`,
      type: 'Multikey',
      controller: did,
      publicKeyMultibase,
    };
    const controller = {
      '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
      id: did,
      assertionMethod: [method],
    };
    return {contextUrl: null, documentUrl: url, document: fragment ? method : controller};
  }
  throw new Error(`unknown document ${url}`);
}

async function newKey(keys) {
  const pair = keys === 'Ed25519' ? await Ed25519Multikey.generate() : await EcdsaMultikey.generate({curve: keys});
  const {publicKeyMultibase} = await pair.export({publicKey: true});
  pair.controller = `did:key:${publicKeyMultibase}`;
  pair.id = `${pair.controller}#${publicKeyMultibase}`;
  return pair;
}

function withIssuer(credential, did) {
  const issuer = typeof credential.issuer === 'string' ? did : {...credential.issuer, id: did};
  return {...credential, issuer};
}

async function issue({suite, credential}) {
  if (suite === 'Ed25519Signature2020') {
    const key = await Ed25519VerificationKey2020.generate();
    key.controller = `did:key:${key.publicKeyMultibase}`;
    key.id = `${key.controller}#${key.publicKeyMultibase}`;
    const signed = await vc.issue({
      credential: withIssuer(credential, key.controller),
      suite: new Ed25519Signature2020({key}),
      documentLoader,
    });
    return {signed};
  }
  const {keys, sign} = SUITES[suite];
  const pair = await newKey(keys);
  const proof = new DataIntegrityProof({signer: pair.signer(), cryptosuite: sign()});
  const signed = await vc.issue({credential: withIssuer(credential, pair.controller), suite: proof, documentLoader});
  return {signed};
}

async function disclose({credential, pointers}) {
  const cryptosuite = selective.createDiscloseCryptosuite({selectivePointers: pointers});
  const signed = await vc.derive({verifiableCredential: credential, suite: new DataIntegrityProof({cryptosuite}), documentLoader});
  return {signed};
}

async function verify({suite, credential}) {
  const checked = suite === 'Ed25519Signature2020'
    ? new Ed25519Signature2020()
    : new DataIntegrityProof({cryptosuite: SUITES[suite].verify()});
  const result = await jsigs.verify(credential, {
    suite: checked,
    purpose: new jsigs.purposes.AssertionProofPurpose(),
    documentLoader,
  });
  return {verified: result.verified, error: result.error ? String(result.error.errors ?? result.error) : null};
}

async function core({credential}) {
  const result = await verifyCredential({credential, knownDIDRegistries: []});
  const step = (result.log ?? []).find(one => one.id === 'valid_signature');
  return {verified: step?.valid === true, log: result.log ?? null, errors: result.errors ?? null};
}

async function canonize({document}) {
  const form = await jsonld.canonize(document, {
    algorithm: 'RDFC-1.0', format: 'application/n-quads', safe: true, base: null, documentLoader,
  });
  return {form};
}

async function signJwt({alg, payload}) {
  const {publicKey, privateKey} = await jose.generateKeyPair(alg, {extractable: true});
  const jwk = await jose.exportJWK(publicKey);
  let claims = payload;
  let header = {alg, typ: 'JWT', jwk};
  if (alg === 'ES256') {
    const did = `did:jwk:${jose.base64url.encode(JSON.stringify(jwk))}`;
    claims = {...withIssuer(payload, did), iss: did};
    header = {alg, typ: 'JWT', kid: `${did}#0`};
  }
  const token = await new jose.CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(privateKey);
  return {token, jwk};
}

async function verifyJwt({alg, token, jwk}) {
  const {payload, protectedHeader} = await jose.jwtVerify(token, await jose.importJWK(jwk, alg), {algorithms: [alg]});
  return {verified: true, payload, header: protectedHeader};
}

async function time({jobs, runs}) {
  const times = [];
  let verified = true;
  for (let run = 0; run <= runs; run++) {
    const begin = performance.now();
    for (const job of jobs) {
      verified = (await WORK[job.do](job)).verified && verified;
    }
    times.push(performance.now() - begin);
  }
  const sorted = times.slice(1).sort((one, other) => one - other); // the first does not count
  return {verified, ms: sorted[Math.floor(sorted.length / 2)]};
}

const WORK = {
  time,
  issue, disclose, verify, 'verifier-core': core, canonize, 'sign-jwt': signJwt, 'verify-jwt': verifyJwt,
};

const chunks = [];
for await (const chunk of process.stdin) {
  chunks.push(chunk);
}
const answers = [];
for (const job of JSON.parse(Buffer.concat(chunks).toString('utf8'))) {
  try {
    answers.push(await WORK[job.do](job));
  } catch (error) {
    answers.push({verified: false, error: String(error), stack: error.stack});
  }
}
process.stdout.write(JSON.stringify(answers));
