/** The construct deploys the template of the example as it is, with its code, and hands out what others refer to. */
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { Portcullis } from '../lib/portcullis';

const TEMPLATE = join(__dirname, '../../../infra/example.template.json');

function code(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'portcullis-')), 'gateway.zip');
  writeFileSync(path, 'PK\u0005\u0006' + '\0'.repeat(18), 'latin1');
  return path;
}

function synthesized(): { stack: Stack; site: Portcullis; template: Template } {
  const stack = new Stack(new App(), 'Site');
  const site = new Portcullis(stack, 'Portcullis', { template: TEMPLATE, code: code() });
  return { stack, site, template: Template.fromStack(stack) };
}

type Resources = Record<string, { Type: string; Properties: Record<string, unknown> }>;

describe('the construct', () => {
  it('deploys every resource of the template as it stands there, but for the code', () => {
    const written = JSON.parse(readFileSync(TEMPLATE, 'utf8')).Resources as Resources;
    const deployed = synthesized().template.toJSON().Resources as Resources;
    assert.deepEqual(Object.keys(deployed).sort(), Object.keys(written).sort());
    for (const [id, resource] of Object.entries(written)) {
      const expected = structuredClone(resource);
      if (id === 'Gateway') {
        expected.Properties.Code = deployed[id]?.Properties.Code;
      }
      assert.deepEqual(deployed[id], expected, id);
    }
  });

  it('brings the code as an asset, so that no parameter is left', () => {
    const { template } = synthesized();
    assert.deepEqual(Object.keys(template.findParameters('Code*')), []);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Code: { S3Bucket: Match.anyValue(), S3Key: Match.stringLikeRegexp('[0-9a-f]{64}') },
    });
  });

  it('lets CloudFront alone call the gateway, by both permissions', () => {
    const { template } = synthesized();
    for (const Action of ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']) {
      template.hasResourceProperties('AWS::Lambda::Permission', {
        Action,
        Principal: 'cloudfront.amazonaws.com',
        SourceArn: Match.anyValue(),
      });
    }
    template.resourceCountIs('AWS::Lambda::Permission', 2);
  });

  it('hands out what other resources refer to', () => {
    const stack = new Stack(new App(), 'Site');
    const site = new Portcullis(stack, 'Portcullis', { template: TEMPLATE, code: code() });
    new CfnOutput(stack, 'Name', { value: site.domainName });
    new CfnOutput(stack, 'Table', { value: site.state.ref });
    const outputs = Template.fromStack(stack).toJSON().Outputs as Record<string, { Value: unknown }>;
    assert.deepEqual(outputs.Name?.Value, { 'Fn::GetAtt': ['Distribution', 'DomainName'] });
    assert.deepEqual(outputs.Table?.Value, { Ref: 'State' });
    assert.equal(site.gateway.runtime, 'provided.al2023');
    assert.ok(site.secret.ref);
  });

  it('says what to type where a file is missing', () => {
    const make = (template: string, zip: string) => () =>
      new Portcullis(new Stack(new App(), 'Site'), 'Portcullis', { template, code: zip });
    assert.throws(make('nowhere.json', code()), /no template at nowhere.json; `portcullis template/);
    assert.throws(make(TEMPLATE, 'nowhere.zip'), /no code at nowhere.zip; `cargo xtask package/);
  });
});
