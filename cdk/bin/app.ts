/** Deploys one site: `PORTCULLIS_TEMPLATE` is what `portcullis template` wrote, `PORTCULLIS_CODE` the gateway's zip file. */
import { App, Stack } from 'aws-cdk-lib';
import { Portcullis } from '../lib/portcullis';

const app = new App();
const stack = new Stack(app, process.env.PORTCULLIS_STACK ?? 'Site', {
  description: 'A site behind CloudFront, by Portcullis.',
});
new Portcullis(stack, 'Portcullis', {
  template: process.env.PORTCULLIS_TEMPLATE ?? 'site.template.json',
  code: process.env.PORTCULLIS_CODE ?? 'gateway.zip',
});
