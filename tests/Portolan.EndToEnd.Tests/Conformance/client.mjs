// The published JavaScript client, one verb for each run: node client.mjs VERB NAMESPACE. What it prints is judged by the tests.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { PassThrough, Readable } from 'node:stream';
import net from 'node:net';

const k8s = await import(pathToFileURL(createRequire(process.env.CLIENT_MODULES + '/').resolve('@kubernetes/client-node')));
const [verb, namespace] = process.argv.slice(2);
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const name = 'js';
const map = (data) => ({ metadata: { name }, data });

const text = async (start) => {
  const out = new PassThrough();
  let all = '';
  out.on('data', (bytes) => { all += bytes; });
  await start(out);
  return () => all;
};

const verbs = {
  async create() { console.log('created', (await core.createNamespacedConfigMap({ namespace, body: map({ a: '1' }) })).data.a); },
  async list() { console.log('listed', (await core.listNamespacedConfigMap({ namespace })).items.some((item) => item.metadata.name === name)); },
  async replace() { console.log('replaced', (await core.replaceNamespacedConfigMap({ namespace, name, body: map({ a: '2' }) })).data.a); },
  async patch() {
    const options = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
    console.log('patched', (await core.patchNamespacedConfigMap({ namespace, name, body: { data: { b: '3' } } }, options)).data.b);
  },
  async watch() {
    await new Promise((seen, lost) => new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { fieldSelector: `metadata.name=${name}` }, (type, object) => {
      console.log('watched', type, object.metadata.name);
      seen();
    }, lost));
  },
  async delete() {
    await core.deleteNamespacedConfigMap({ namespace, name });
    console.log('deleted', await core.readNamespacedConfigMap({ namespace, name }).then(() => 'not', (error) => error.code));
  },
  async lease() {
    const api = config.makeApiClient(k8s.CoordinationV1Api);
    await api.createNamespacedLease({ namespace, body: { metadata: { name }, spec: { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: new k8s.V1MicroTime() } } });
    const lease = await api.readNamespacedLease({ namespace, name });
    lease.spec.holderIdentity = 'two';
    console.log('held by', (await api.replaceNamespacedLease({ namespace, name, body: lease })).spec.holderIdentity);
    console.log('stale', await api.replaceNamespacedLease({ namespace, name, body: lease }).then(() => 'accepted', (error) => error.code));
  },
  async logs() {
    const said = await text((out) => new k8s.Log(config).log(namespace, 'tool', 'tool', out, { tailLines: 1 }));
    for (let i = 0; i < 100 && !said(); i++) await new Promise((wait) => setTimeout(wait, 50));
    console.log('said', said().trim());
  },
  async exec() {
    const said = await text((out) => new Promise((done, lost) => new k8s.Exec(config).exec(namespace, 'tool', 'tool', ['sh', '-c', 'cat; exit 0'], out, process.stderr, Readable.from(['aboard']), false, done).catch(lost)));
    for (let i = 0; i < 100 && !said(); i++) await new Promise((wait) => setTimeout(wait, 50));
    console.log('said', said());
  },
  async 'port-forward'() {
    const forward = new k8s.PortForward(config);
    const server = net.createServer((socket) => forward.portForward(namespace, 'web', [8080], socket, null, socket));
    await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
    const answer = await fetch(`http://127.0.0.1:${server.address().port}/`);
    console.log((await answer.text()).split('\n')[0]);
  },
};

await verbs[verb]();
process.exit(0);
